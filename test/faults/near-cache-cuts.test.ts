// The near cache when a connection is cut, falls silent or leads elsewhere: what may be stale is not answered.
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { StoreUnavailableError } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Near, SCOPE, TRACKING } from '../redis/near.js';
import { eventually, rejection } from '../support/eventually.js';

/** Milliseconds: a PING comes every second and is to be answered within one; and what a busy machine adds. */
const DEADLINE = 2_000 + 1_000;

describe('A near cache', function () {
  this.timeout(60_000);
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const world = new Near(async () => server.url);

  /** The ids of connections, as CLIENT LIST shows them. */
  const connections = async (type: 'pubsub' | 'normal') =>
    String(await world.redis.call('CLIENT', 'LIST', 'TYPE', type)).match(/(?<=^id=)\d+/gm) ?? [];

  it('is emptied when its connection is killed, and keeps again what is read once that is back', async () => {
    const made = await world.cached();
    const [id = ''] = await connections('pubsub');
    // Back it comes, but for a while it can not subscribe: nothing would be heard.
    world.way.holdWhere(TRACKING);
    await world.redis.client('KILL', 'ID', id);
    await eventually('it is passed by', async () => !(await world.isNear(made)));
    await world.other.update({ ...SCOPE, token: made.token, data: { n: 1 } });
    for (let i = 0; i < 20; i++) {
      assert.deepEqual((await world.get(made))?.data, { n: 1 });
      assert.isFalse(await world.isNear(made), 'nothing is kept before tracking is confirmed');
    }
    world.way.release();
    await eventually('it is kept again', () => world.isNear(made));
    await world.other.delete(made);
    await eventually('it is heard again', async () => (await world.get(made)) === undefined);
  });

  it('is emptied when the connection of the reads is killed', async () => {
    const made = await world.cached();
    const tracking = await connections('pubsub');
    const own = String(await world.redis.client('ID'));
    for (const id of await connections('normal')) {
      if (id !== own) await world.redis.client('KILL', 'ID', id);
    }
    await eventually('it is passed by', async () => !(await world.isNear(made)));
    await eventually('it is kept again', () => world.isNear(made));
    assert.notDeepEqual(await connections('pubsub'), tracking, 'tracking was begun anew');
    await world.other.delete(made);
    await eventually('it is heard', async () => (await world.get(made)) === undefined);
  });

  it('answers nothing while Redis can not be reached, and works again afterwards', async () => {
    const near = await world.open(undefined, { timeout: 500 });
    const made = await world.cached({}, near);
    world.way.shut();
    await eventually('it is noticed', async () => {
      const error = await world.get(made, near).catch((error: unknown) => error);
      return error instanceof StoreUnavailableError;
    });
    for (let i = 0; i < 5; i++)
      assert.instanceOf(await rejection(world.get(made, near)), StoreUnavailableError);
    world.way.reopen();
    await world.other.delete(made);
    await eventually('it works', () =>
      world.get(made, near).then(
        (found) => found === undefined,
        () => false,
      ),
    );
  });

  for (const [direction, fallSilent] of [
    ['both ways', () => world.way.strand(TRACKING)],
    ['from the server alone', () => world.way.deafen(TRACKING)],
  ] as const) {
    it(`notices within the deadline of its PING that nothing is heard any more (${direction})`, async () => {
      const made = await world.cached();
      fallSilent();
      const begun = performance.now();
      await world.other.delete(made);
      assert.isDefined(await world.get(made), 'nothing tells of it');
      await eventually('it is noticed', async () => (await world.get(made)) === undefined);
      assert.isBelow(performance.now() - begun, DEADLINE);
    });
  }

  it('notices within the deadline of its PING that what it hears is old, though it is never silent', async () => {
    const made = await world.cached();
    world.way.trickle(TRACKING, 60);
    await world.other.delete(made);
    const begun = performance.now();
    await eventually('it is noticed', async () => (await world.get(made)) === undefined);
    assert.isBelow(performance.now() - begun, DEADLINE);
  });

  it('answers nothing where the process has heard nothing for longer than that, be it for its own event loop', async () => {
    const made = await world.cached();
    const until = performance.now() + 2_000;
    while (performance.now() < until);
    assert.isFalse(await world.isNear(made));
    await eventually('it is kept again', () => world.isNear(made));
  });

  it('answers nothing stale for longer than `ttl`, though it notices nothing', async () => {
    const near = await world.open({ ttl: 300 });
    const made = await world.cached({}, near);
    world.way.holdWhere(TRACKING);
    await world.other.delete(made);
    const begun = performance.now();
    await eventually('its time is over', async () => (await world.get(made, near)) === undefined);
    assert.isBelow(performance.now() - begun, 300 + 100);
    world.way.release();
  });

  it('is emptied by FLUSHALL and by FLUSHDB', async () => {
    for (const flush of [() => world.redis.flushall(), () => world.redis.flushdb()]) {
      const made = await world.cached();
      await flush();
      await eventually('it is gone', async () => (await world.get(made)) === undefined);
    }
  });

  it('hears of what Redis evicts for want of memory', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => world.create()));
    for (const one of made) await eventually('it is kept', () => world.isNear(one));
    await world.redis.config('SET', 'maxmemory-policy', 'allkeys-random');
    await world.redis.config('SET', 'maxmemory', '1');
    try {
      await world.redis.set('stray', 'x').catch(() => {});
      await eventually('all are gone', async () => (await world.redis.dbsize()) === 0);
    } finally {
      await world.redis.config('SET', 'maxmemory', '0');
    }
    for (const one of made) {
      await eventually('it is gone', async () => (await world.get(one)) === undefined);
    }
  });

  it('keeps nothing where its connection leads to another server than the reads', async () => {
    const made = await world.cached();
    const elsewhere = await startRedisServer({ log: () => {} });
    try {
      const [id = ''] = await connections('pubsub');
      world.way.leadTo(elsewhere.url); // the next connection; the one of the reads stays
      await world.redis.client('KILL', 'ID', id);
      await eventually('it is passed by', async () => !(await world.isNear(made)));
      const until = performance.now() + 1_500;
      while (performance.now() < until) {
        assert.isFalse(await world.isNear(made));
        await wait(20);
      }
      world.way.leadTo(server.url);
      await eventually('it is kept again', () => world.isNear(made));
    } finally {
      world.way.leadTo(server.url);
      await elsewhere.stop();
    }
  });
});
