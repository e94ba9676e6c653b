// Exactly once in short: workers are killed in the midst of their jobs, which others find without waiting.
import { assert } from 'chai';
import { runCampaign } from '../soak/kill/campaign.js';

const COMMANDS = 2_000;
const KILLS = 5;

describe('A crew of workers that are killed in the midst of their jobs', function () {
  this.timeout(60_000);

  it('applies each once, and answers each once', async () => {
    const outcome = await runCampaign({
      commands: COMMANDS,
      kills: KILLS,
      freezes: [],
      pause: 500,
      shortLives: false,
      hurried: true,
    });
    console.log(`      ${outcome.figures}`);
    const { verdict } = outcome;
    if (verdict.contradictions.length > 0) assert.fail(verdict.report(5));
    assert.isAtLeast(outcome.commands, COMMANDS);
    assert.isAtLeast(outcome.kills, KILLS);
    assert.isAbove(outcome.halfDone, 0, 'jobs that were hit between their effect and their acknowledgement');
    assert.isAbove(verdict.restarted, 0, 'jobs that were under way when their worker was killed');
  });
});
