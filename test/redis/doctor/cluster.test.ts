// The doctor of a Cluster looks at every primary.
import { assert } from 'chai';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { RedisTokens } from '../../../src/redis-tokens.js';
import { type ClusterNode, openCluster, SLOTS, startClusterNode } from '../../support/cluster.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';

describe('The doctor of a Cluster', function () {
  this.timeout(60_000);

  const opened = new Opened();

  it('finds and repairs what is wrong on each of its primaries', async () => {
    const [first, second] = await startCluster();
    const cluster = openCluster(opened, first);
    const options = { prefix: 'many', shards: 16 };
    const tokens = opened.add(new RedisTokens(cluster, options));
    const create = (i: number) =>
      tokens.create({ app: 'shop', type: 'session', owner: `o${i}`, duration: 60 });
    await Promise.all(Array.from({ length: 100 }, (_, i) => create(i)));
    const doctor = opened.add(new Doctor(cluster, options));
    const { looked, problems } = await doctor.examine();
    assert.deepEqual(problems, []);
    assert.equal(looked.records, 100);
    assert.equal(looked.members, 200);
    assert.equal(looked.scopeIndexes, 16);

    for (const { redis: primary } of [first, second]) {
      const [key, ...others] = await primary.keys('{many:*}:t:*');
      assert.isNotEmpty(others);
      await primary.del(key as string);
    }
    const [problem] = (await doctor.examine({ repair: true })).problems;
    assert.include(problem, { kind: 'member-without-record', count: 2, repaired: 2 });
    assert.deepEqual((await doctor.examine()).problems, []);
  });

  /** Two primaries with half of the slots each. */
  async function startCluster(): Promise<[ClusterNode, ClusterNode]> {
    const [first, second] = [await startClusterNode(opened), await startClusterNode(opened)];
    await first.redis.call('CLUSTER', 'ADDSLOTSRANGE', 0, SLOTS / 2 - 1);
    await second.redis.call('CLUSTER', 'ADDSLOTSRANGE', SLOTS / 2, SLOTS - 1);
    await first.redis.call('CLUSTER', 'MEET', '127.0.0.1', second.port, second.bus);
    for (const { redis: node } of [first, second]) {
      await eventually(
        'the nodes know each other',
        async () => {
          const slots = (await node.call('CLUSTER', 'SLOTS')) as unknown[];
          return slots.length === 2 && /cluster_state:ok/.test(String(await node.call('CLUSTER', 'INFO')));
        },
        20_000,
      );
    }
    return [first, second];
  }
});
