// A Cluster under load, of which slots move, to which a node is added, and of which a primary is killed.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Command } from 'ioredis';
import { defaultSpread } from '../../../src/redis/connection.js';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { Keys } from '../../../src/redis/keys.js';
import type { RedisCluster } from '../../../tools/redis-cluster.js';
import { openCluster } from '../../support/cluster.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';
import { freshPrefix } from '../../support/redis.js';
import { Load } from '../load.js';

/** Milliseconds for which users go on between two faults. */
const CALM = 2_000;

describe('A Cluster under load', function () {
  this.timeout(120_000);
  const opened = new Opened();
  let cluster: RedisCluster;
  let prefix: string;
  let load: Load;

  beforeEach(async () => {
    cluster = await openCluster(opened, 1);
    prefix = freshPrefix();
    load = new Load(opened, cluster.url, { prefix });
    await load.start();
    await wait(CALM);
  });

  it('loses nothing, and doubles nothing, while slots move and a node is added', async () => {
    const [first] = await cluster.primaries();
    const slots = deploymentSlots(cluster.url, prefix);
    for (const slot of slots.slice(0, slots.length / 2)) await cluster.moveSlot(slot, first?.port as number);
    await wait(CALM);
    const added = await cluster.startNode();
    await cluster.manage('add-node', `127.0.0.1:${added.port}`, `127.0.0.1:${first?.port}`);
    await cluster.agrees(4, 0);
    for (const slot of slots.slice(slots.length / 3)) await cluster.moveSlot(slot, added.port);
    await wait(CALM);
    await settle();
    assert.deepEqual(load.contradictions, []);
    assertHeard();
  });

  it('serves again after a primary was killed, and loses at most what its replica had not', async () => {
    const slots = deploymentSlots(cluster.url, prefix);
    const [victim] = await cluster.primaries();
    for (const slot of slots.slice(0, slots.length / 2)) await cluster.moveSlot(slot, victim?.port as number);
    await wait(CALM);
    cluster.server(victim?.port as number).kill('SIGKILL');
    const killed = performance.now();
    const [other] = cluster.ports.filter((port) => port !== victim?.port);
    await eventually(
      'its replica has taken over',
      async () => (await cluster.primaries(other)).length === 3,
      30_000,
    );
    const tookOver = performance.now() - killed;
    await wait(2 * CALM);
    await settle();
    console.log(`      a replica has taken over after ${Math.round(tookOver)} ms`);
    const late = load.contradictions.filter(({ at }) => at < killed - 100 || at > killed + 100);
    assert.deepEqual(late, []);
    console.log(`      ${load.contradictions.length} answers of the last 100 ms were lost`);
    if (load.lost.length === 0) assertHeard();
  });

  /** Ends the load, and holds what is against what was told. */
  async function settle(): Promise<void> {
    await load.end();
    await load.check();
    console.log(`      ${JSON.stringify(load.figures)}, ${load.lost.length} times events-lost`);
    const doctor = opened.add(new Doctor(cluster.url, { prefix }));
    await eventually('the log is heard', () => load.heard.size >= load.figures.revoked, 5_000).catch(
      () => {},
    );
    const { problems } = await doctor.examine();
    assert.deepEqual(problems, []);
  }

  function assertHeard(): void {
    const revoked = load.lives.filter((life) => life.revoked === 'done');
    const wrong = revoked.filter(({ id }) => load.heard.get(id) !== 1);
    assert.deepEqual(wrong, [], 'revocations that were not heard once');
  }
});

/** Of everything that a deployment keeps in Redis. */
function deploymentSlots(url: string, prefix: string): number[] {
  const keys = new Keys(prefix);
  const { shards, partitions } = defaultSpread(url);
  const names = [
    ...Array.from({ length: shards }, (_, shard) => keys.log(shard)),
    ...Array.from({ length: partitions }, (_, partition) => `${keys.queues(partition)}:x`),
  ];
  return names.map((name) => new Command('get', [name]).getSlot());
}
