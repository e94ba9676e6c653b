// A primary that Sentinels watch goes under load, in each way there is: every door finds the next one by itself, and what was told holds.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { startWatchedRedis, type WatchedRedis } from '../../../tools/redis-sentinel.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';
import { freshPrefix } from '../../support/redis.js';
import { Load } from '../load.js';

/** Milliseconds for which users go on before and after. */
const CALM = 2_000;

/** Milliseconds for which a primary is frozen: until each connection to it has been given up for its silence. */
const FROZEN = 17_000;

describe('Behind Sentinels, under load,', function () {
  this.timeout(120_000);
  const opened = new Opened();
  let redis: WatchedRedis;
  let first: number;
  let prefix: string;
  let load: Load;

  beforeEach(async () => {
    redis = await startWatchedRedis();
    opened.later(redis, () => redis.stop());
    first = await redis.primary();
    prefix = freshPrefix();
  });

  /** @param replicas that must have each change. */
  async function begin(replicas: number): Promise<void> {
    load = new Load(opened, redis.url, { prefix, durability: { replicas, of: 'changes' } });
    await load.start();
    await wait(CALM);
  }

  it('a primary that is killed, and comes back as a replica, loses nothing that was told as made', async () => {
    await begin(1); // the replica that has most takes over
    redis.server(first).kill('SIGKILL');
    await tookOver();
    await wait(CALM);
    await redis.server(first).stop();
    await redis.startServer(undefined, first); // it believes that it is the primary, until a Sentinel tells it
    await redis.agree(2);
    await settle();
  });

  it('a primary that freezes, and wakes up as if nothing had happened, loses nothing that was told as made', async () => {
    await begin(1);
    redis.server(first).kill('SIGSTOP');
    await tookOver();
    await wait(FROZEN);
    redis.server(first).kill('SIGCONT');
    await redis.agree(2);
    await settle();
  });

  it('a primary that is to become a replica loses nothing that was told as made', async () => {
    await begin(2); // for a while there are two primaries, and one of the replicas follows the old one
    await redis.failOver();
    await tookOver();
    await redis.agree(2);
    await settle();
  });

  async function tookOver(): Promise<void> {
    const begun = performance.now();
    await eventually('another is the primary', async () => (await redis.primary()) !== first, 30_000);
    console.log(`      another is the primary after ${Math.round(performance.now() - begun)} ms`);
    const answered = load.figures.created;
    await eventually('it serves', () => load.figures.created > answered, 30_000);
  }

  /** Ends the load, and holds what is against what was told. */
  async function settle(): Promise<void> {
    await wait(CALM);
    await load.end();
    await load.check();
    console.log(`      ${JSON.stringify(load.figures)}, ${load.lost.length} times events-lost`);
    assert.deepEqual(load.contradictions, []);
    const revoked = load.lives.filter((life) => life.revoked === 'done');
    const unheard = () => revoked.filter(({ id }) => !load.heard.has(id));
    if (load.lost.length === 0)
      await eventually('each revocation is heard', () => unheard().length === 0, 35_000);
    const { problems } = await opened.add(new Doctor(redis.url, { prefix })).examine();
    assert.deepEqual(problems, []);
  }
});
