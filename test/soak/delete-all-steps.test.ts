// Logging out an owner of a hundred thousand tokens stops nobody else.
import { endInSteps, STEP } from '../faults/steps.js';
import { Stage } from '../queue/stage.js';

const MANY = 100_000;

describe('A deleteAll in steps', function () {
  this.timeout(180_000);
  const stage = new Stage();

  it(`of ${MANY} tokens ends at most ${STEP} at once, and lets others in between`, () =>
    endInSteps(stage, MANY));
});
