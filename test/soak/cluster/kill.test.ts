// Exactly once on a Cluster: workers are killed in the midst of their jobs, which others find without waiting.
import { assert } from 'chai';
import { openCluster } from '../../support/cluster.js';
import { Opened } from '../../support/opened.js';
import { checkOutcome, type Plan, runCampaign } from '../kill/campaign.js';

describe('On a Cluster, a crew of workers that are killed in the midst of their jobs', function () {
  this.timeout(180_000);
  const opened = new Opened();

  it('applies each once, and answers each once', async () => {
    const cluster = await openCluster(opened, 1);
    const plan: Plan = {
      commands: 3_000,
      kills: 6,
      freezes: [],
      pause: 500,
      shortLives: false,
      hurried: true,
    };
    const outcome = await runCampaign(plan, cluster.url);
    checkOutcome(outcome, plan);
    assert.isAbove(outcome.verdict.restarted, 0, 'jobs that were under way when their worker was killed');
  });
});
