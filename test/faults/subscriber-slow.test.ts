// Listeners that take long, or never end, hold the cursor for half a minute and nothing else.
import { setImmediate as tick } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assert } from 'chai';
import { useFakeTimers } from 'sinon';
import { compareIds, ShardCursor, START } from '../../src/events/shard-cursor.js';
import { Ear } from '../events/ear.js';
import { eventually } from '../support/eventually.js';

const PIN = 30_000;

describe('A subscriber whose listeners are slow', () => {
  const ear = new Ear();

  const place = (cursor: string) => cursor.slice(2);

  it('keeps its cursor before the first that has not settled, for half a minute, and hears on meanwhile', async () => {
    const heard = await ear.listen();
    const { subscriber } = heard;
    const releases = new Map<string, () => void>();
    subscriber.on('token-created', ({ data }) =>
      data.owner === 'never'
        ? new Promise<void>(() => {})
        : new Promise<void>((resolve) => releases.set(data.owner, resolve)),
    );
    const before = subscriber.cursor;
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      for (const owner of ['never', 'slow', 'last']) await ear.create(owner);
      await heard.count(3);
      const [never, slow, last] = heard.events.map(({ id }) => id.slice(2));
      releases.get('last')?.();
      await tick();
      assert.equal(subscriber.cursor, before);
      clock.tick(PIN);
      assert.equal(subscriber.cursor, before, 'exactly half a minute');
      await ear.create('another');
      await heard.count(4);
      clock.tick(1);
      const cursor = place(subscriber.cursor);
      assert.isAtLeast(compareIds(cursor, String(never)), 0, 'past what never settles');
      assert.isBelow(
        compareIds(cursor, heard.events[3]?.id.slice(2) as string),
        0,
        'not past what came later',
      );
      releases.get('slow')?.();
      releases.get('another')?.();
      await tick();
      assert.equal(place(subscriber.cursor), heard.events[3]?.id.slice(2));
      assert.isBelow(compareIds(String(slow), String(last)), 0);
    } finally {
      clock.restore();
    }
  });

  it('that began at a time, and is asked for its cursor before the first has settled, leads to no false loss', async () => {
    for (const owner of ['one', 'two']) await ear.create(owner);
    const first = Number((await ear.redis.xrange(ear.logKey(), '-', '+'))[0]?.[0].split('-')[0]);
    const heard = ear.subscriber({ from: first });
    heard.subscriber.on('event', () => new Promise(() => {}));
    await heard.subscriber.start();
    const next = await ear.listen({ from: heard.subscriber.cursor });
    assert.deepEqual(next.owners(), ['one', 'two']);
    assert.deepEqual(next.lost, []);
  });

  it('hears a connection’s loss and what happened meanwhile although no listener ever settles', async () => {
    const heard = await ear.listen();
    heard.subscriber.on('event', () => new Promise(() => {}));
    for (let round = 1; round <= 3; round++) {
      await ear.create(`live-${round}`);
      await ear.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await ear.create(`away-${round}`);
      await eventually('it is back', () => heard.subscriber.connected);
    }
    await heard.count(6);
    const expected = [1, 2, 3].flatMap((round) => [`live-${round}`, `away-${round}`]);
    assert.deepEqual(heard.owners(), expected);
  });
});

describe('The place in a shard whose listeners are slow', () => {
  it('is held right before the first that has not settled, however much was read for others before it', () => {
    const shard = new ShardCursor('1-0');
    shard.moveTo('200000-0');
    shard.hold('200001-0', new Promise(() => {}));
    shard.moveTo('200001-0');
    assert.equal(shard.cursor, '200000-0', 'and not where the log may not reach back to');
  });

  it('keeps nothing of what no listener settles, after half a minute, although nobody asks for it', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const clock = useFakeTimers({ now: 0, toFake: ['Date'] });
    try {
      const shard = new ShardCursor(START);
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let round = 1; round <= 200; round++) {
        for (let i = 0; i < 1_000; i++) shard.hold(`${round}-${i}`, new Promise(() => {}));
        clock.tick(PIN + 1);
      }
      collect();
      assert.isBelow(process.memoryUsage().heapUsed - before, 5_000_000, 'of 200,000 events');
      assert.equal(shard.cursor, START, 'it was read up to there');
    } finally {
      clock.restore();
    }
  });

  it('passes twice as many as a log holds, one by one, before a PING would be given up', async function () {
    this.timeout(5_000);
    const shard = new ShardCursor(START);
    const releases: (() => void)[] = [];
    const count = 200_000;
    for (let i = 1; i <= count; i++) {
      shard.hold(`${i}-0`, new Promise<void>((resolve) => releases.push(resolve)));
    }
    shard.moveTo(`${count}-0`);
    for (const release of releases) release();
    await tick();
    assert.equal(shard.cursor, `${count}-0`);
  });
});
