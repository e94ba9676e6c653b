// A subscriber on a Cluster whose connections are ended over and over, while slots move, hears each revocation once, in the order of its shard.
import { assert } from 'chai';
import { Command, Redis } from 'ioredis';
import { type RedisCluster, startRedisCluster } from '../../../tools/redis-cluster.js';
import { cut, Ear } from '../../events/ear.js';
import { assertHeardOnce, gather, openClients, revoke } from '../../faults/subscriber-crowd.js';

const SHARDS = 16;

/** Milliseconds between two cuts; each seventh ends what reads the logs, and what revokes, as well. */
const INTERVAL = 50;

describe('On a Cluster, a subscriber whose connections are ended while slots move', function () {
  this.timeout(120_000);
  let cluster: RedisCluster;
  before(async () => {
    cluster = await startRedisCluster({ replicas: 0 });
  });
  after(() => cluster.stop());
  const ear = new Ear(async () => cluster.url);

  it('hears each of 5,000 revocations once and in order', async () => {
    const heard = await ear.listen();
    const clients = await openClients(ear, SHARDS);
    const crowd = await gather(clients, 500, 10);
    const nodes = cluster.ports.map((port) => ear.opened.later(new Redis(port), () => {}));
    let [cuts, ended] = [0, 0];
    const timer = setInterval(() => {
      const kind = ++cuts % 7 === 0 ? 'normal' : 'pubsub';
      for (const node of nodes)
        cut(node, kind).then(
          (count) => {
            if (kind === 'pubsub') ended += count;
          },
          () => {},
        );
    }, INTERVAL);
    const moving = moveLogs();
    let owners = 0;
    const pause = () => ++owners % 4 === 0 && new Promise((resolve) => setTimeout(resolve, INTERVAL));
    await revoke(clients, crowd, pause);
    clearInterval(timer);
    await moving;
    for (const node of nodes) node.disconnect();
    assert.isAtLeast(cuts, 20);
    assert.isAtLeast(ended, 10, 'subscriptions: each moves to another node by itself');
    const logs = Array.from({ length: SHARDS }, (_, shard) => ear.logKey(shard));
    await assertHeardOnce(heard, crowd, ear.redis, logs);
  });

  /** The slots of some logs, each to the next primary. */
  async function moveLogs(): Promise<void> {
    for (let shard = 0; shard < SHARDS; shard += 4) {
      const slot = new Command('get', [ear.logKey(shard)]).getSlot() as number;
      await cluster.moveSlot(slot, cluster.ports[shard % cluster.ports.length] as number);
    }
  }
});
