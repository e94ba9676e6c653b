// Exactly once in short: workers are killed in the midst of their jobs, which others find without waiting.
import { assert } from 'chai';
import { checkOutcome, type Plan, runCampaign } from '../soak/kill/campaign.js';

const COMMANDS = 2_000;
const KILLS = 5;

describe('A crew of workers that are killed in the midst of their jobs', function () {
  this.timeout(60_000);

  it('applies each once, and answers each once', async () => {
    const plan: Plan = {
      commands: COMMANDS,
      kills: KILLS,
      freezes: [],
      pause: 500,
      shortLives: false,
      hurried: true,
    };
    const outcome = await runCampaign(plan);
    checkOutcome(outcome, plan);
    const { verdict } = outcome;
    assert.isAbove(verdict.restarted, 0, 'jobs that were under way when their worker was killed');
  });
});
