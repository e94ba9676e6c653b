// The doctor of a Cluster looks at every primary.
import { createServer } from 'node:net';
import { assert } from 'chai';
import { Cluster, Redis } from 'ioredis';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { RedisTokens } from '../../../src/redis-tokens.js';
import { startRedisServer } from '../../../tools/redis-server.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';

const SLOTS = 16_384;

describe('The doctor of a Cluster', function () {
  this.timeout(60_000);

  const opened = new Opened();

  it('finds and repairs what is wrong on each of its primaries', async () => {
    const [first, second] = await startCluster();
    const cluster = new Cluster([{ host: '127.0.0.1', port: first.options.port as number }]);
    opened.later(cluster, () => cluster.disconnect());
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

    for (const primary of [first, second]) {
      const [key, ...others] = await primary.keys('{many:*}:t:*');
      assert.isNotEmpty(others);
      await primary.del(key as string);
    }
    const [problem] = (await doctor.examine({ repair: true })).problems;
    assert.include(problem, { kind: 'member-without-record', count: 2, repaired: 2 });
    assert.deepEqual((await doctor.examine()).problems, []);
  });

  /** Clients of two primaries with half of the slots each. */
  async function startCluster(): Promise<[Redis, Redis]> {
    const bus = await freePort();
    const [first, second] = [await startNode(await freePort()), await startNode(bus)];
    await first.call('CLUSTER', 'ADDSLOTSRANGE', 0, SLOTS / 2 - 1);
    await second.call('CLUSTER', 'ADDSLOTSRANGE', SLOTS / 2, SLOTS - 1);
    await first.call('CLUSTER', 'MEET', '127.0.0.1', second.options.port as number, bus);
    for (const node of [first, second]) {
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

  /** @param bus where the nodes speak to each other: by default that port would often be too high to be one. */
  async function startNode(bus: number): Promise<Redis> {
    const args = ['--cluster-enabled', 'yes', '--cluster-port', String(bus)];
    const server = await startRedisServer({ args, log: () => {} });
    opened.later(server, () => server.stop());
    const redis = new Redis(server.url);
    return opened.later(redis, () => redis.disconnect());
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
