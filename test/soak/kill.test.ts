// Exactly once: workers are killed and frozen in the midst of their jobs, and every command has its one effect.
import { assert } from 'chai';
import { checkOutcome, type Plan, runCampaign } from './kill/campaign.js';

const COMMANDS = Number(process.env.KILL_COMMANDS || 20_000);
const KILLS = 18;

describe('A crew of workers that are killed and frozen in the midst of their jobs', function () {
  this.timeout(540_000);

  it('applies each once, and answers each once', async () => {
    const plan: Plan = {
      commands: COMMANDS,
      kills: KILLS,
      freezes: [
        { at: 1, how: 'until they are forgotten' },
        { at: 2, how: 'until they are forgotten' },
        { at: 5, how: 'past the lease' },
        { at: 11, how: 'until its jobs are over' },
      ],
      pause: 8_000,
      shortLives: true,
      hurried: false,
    };
    const outcome = await runCampaign(plan);
    checkOutcome(outcome, plan);
    const { verdict } = outcome;
    assert.isAbove(verdict.restarted, KILLS, 'jobs that were under way when their worker was stopped');
    assert.lengthOf(outcome.freezes, 4);
    const takenOver = outcome.freezes.filter(({ jobs, taken }) => taken === jobs);
    assert.isAtLeast(takenOver.length, 3, 'frozen workers whose jobs were done by others when they woke');
  });
});
