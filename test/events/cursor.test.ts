// Where a subscriber stands, and how another one goes on from there.
import { setImmediate as tick } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assert } from 'chai';
import fc from 'fast-check';
import { useFakeTimers } from 'sinon';
import { compareIds, formatCursor, parseCursor, ShardCursor, START } from '../../src/events/shard-cursor.js';
import type { TokenEvent } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { serverTime } from '../support/time-travel.js';
import { Ear, SCOPE } from './ear.js';

describe('A cursor', () => {
  const ear = new Ear();

  it('lets another subscriber hear what comes behind it: nothing twice, and nothing missing', async () => {
    const all = await ear.listen();
    const heard: TokenEvent[] = [];
    let from: string | undefined;
    for (let round = 0; round < 5; round++) {
      const part = await ear.listen(from === undefined ? {} : { from });
      for (let i = 0; i < 3; i++) await ear.create(`live-${round}-${i}`);
      await part.count(round === 0 ? 3 : 5);
      await tick();
      from = part.subscriber.cursor;
      await part.subscriber.close();
      heard.push(...part.events);
      assert.deepEqual(part.lost, []);
      for (let i = 0; i < 2; i++) await ear.create(`away-${round}-${i}`);
    }
    const last = await ear.listen({ from: from as string });
    heard.push(...last.events);
    await all.count(25);
    assert.deepEqual(heard, all.events);
  });

  it('is that of each of four shards', async () => {
    const tokens = ear.open({ shards: 4 });
    await tokens.ready();
    const first = await ear.listen();
    const create = (name: string) =>
      Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          tokens.create({ ...SCOPE, owner: `${name}-${i}`, duration: 60 }),
        ),
      );
    await create('live');
    await first.count(20);
    await tick();
    const { cursor } = first.subscriber;
    assert.match(cursor, /^0:\d+-\d+,1:\d+-\d+,2:\d+-\d+,3:\d+-\d+$/);
    await create('away');
    const second = await ear.listen({ from: cursor });
    assert.lengthOf(second.events, 20);
    assert.isTrue(second.owners().every((owner) => owner.startsWith('away')));
    assert.deepEqual(second.lost, []);
    for (const { events } of [first, second]) {
      const shards = new Set(events.map(({ id }) => id.split('-')[0]));
      assert.lengthOf([...shards], 4);
    }
  });

  it('may be given as milliseconds: what happened from then on', async () => {
    await ear.create('before');
    await eventually('a millisecond has passed', async () => {
      const from = await serverTime(ear.redis);
      return from > Number((await ear.redis.xrevrange(ear.logKey(), '+', '-'))[0]?.[0].split('-')[0]);
    });
    const from = await serverTime(ear.redis);
    await ear.create('after-1');
    await ear.create('after-2');
    const heard = await ear.listen({ from });
    assert.deepEqual(heard.owners(), ['after-1', 'after-2']);
    const exact = Number(heard.events[0]?.id.split('-')[1]);
    assert.deepEqual(
      (await ear.listen({ from: exact })).owners()[0],
      'after-1',
      'that millisecond is among it',
    );
    assert.deepEqual((await ear.listen({ from: 0 })).owners(), ['before', 'after-1', 'after-2']);
  });

  it('in milliseconds that are still to come begins with what happens now', async () => {
    await ear.create('before');
    const heard = await ear.listen({ from: (await serverTime(ear.redis)) + 60_000 });
    await ear.create('after');
    await heard.count(1);
    const again = await ear.listen({ from: heard.subscriber.cursor });
    await ear.create('later');
    await again.count(1);
    assert.deepEqual([...heard.owners().slice(0, 1), ...again.owners()], ['after', 'later']);
    assert.deepEqual([...heard.lost, ...again.lost], []);
  });

  it('of an empty log, or of a deployment that has none yet, misses nothing', async () => {
    const first = await ear.listen();
    const { cursor } = first.subscriber;
    await ear.create('ann');
    const second = await ear.listen({ from: cursor });
    assert.deepEqual(second.owners(), ['ann']);
    assert.deepEqual(second.lost, []);
  });

  it('taken before the number of shards was fixed covers all of them', async () => {
    const first = await ear.listen();
    const { cursor } = first.subscriber;
    const tokens = ear.open({ shards: 4 });
    for (let i = 0; i < 20; i++) await tokens.create({ ...SCOPE, owner: `o${i}`, duration: 60 });
    await first.count(20);
    assert.lengthOf([...new Set(first.events.map(({ id }) => id.split('-')[0]))], 4, 'live, too');
    const second = await ear.listen({ from: cursor });
    assert.lengthOf(second.events, 20);
    assert.deepEqual([...first.lost, ...second.lost], []);
  });

  it('covers all shards though what all processes agree on was lost', async () => {
    const tokens = ear.open({ shards: 4 });
    await tokens.ready();
    await ear.redis.del(`{${ear.prefix}}:meta`); // written again when a process connects
    const heard = await ear.listen();
    for (let i = 0; i < 20; i++) await tokens.create({ ...SCOPE, owner: `o${i}`, duration: 60 });
    await heard.count(20);
    assert.lengthOf([...new Set(heard.events.map(({ id }) => id.split('-')[0]))], 4);
    assert.deepEqual(heard.lost, []);
  });

  it('stays before an event until all its listeners have settled', async () => {
    const { subscriber, events, count } = await ear.listen();
    const before = subscriber.cursor;
    const releases: (() => void)[] = [];
    subscriber.on('token-created', () => new Promise<void>((resolve) => releases.push(resolve)));
    await ear.create('one');
    await count(1);
    await tick();
    assert.equal(subscriber.cursor, before);
    await ear.create('two');
    await count(2);
    releases[1]?.();
    await tick();
    assert.equal(subscriber.cursor, before, 'the first one holds it');
    releases[0]?.();
    await tick();
    assert.equal(`0-${subscriber.cursor.slice(2)}`, events[1]?.id);
  });

  it('passes an event whose listener failed', async () => {
    const { subscriber, events, count } = await ear.listen();
    subscriber.on('event', async () => {
      throw new Error('failed');
    });
    await ear.create('one');
    await count(1);
    await tick();
    assert.equal(`0-${subscriber.cursor.slice(2)}`, events[0]?.id);
  });

  it('moves on over events that the filter leaves out, once the log was read', async () => {
    const { subscriber } = await ear.listen({ app: 'mill' });
    const before = subscriber.cursor;
    await ear.create('ann');
    const again = await ear.listen({ app: 'mill', from: before });
    assert.notEqual(again.subscriber.cursor, before);
    assert.deepEqual(again.events, []);
  });
});

describe('The place in a shard', () => {
  it('is held by a listener for at most half a minute', () => {
    const clock = useFakeTimers({ now: 0, toFake: ['Date'] });
    try {
      const shard = new ShardCursor('1-0');
      shard.hold('2-0', new Promise(() => {}));
      shard.moveTo('3-0');
      clock.setSystemTime(30_000);
      assert.equal(shard.cursor, '1-0');
      clock.setSystemTime(30_001);
      assert.equal(shard.cursor, '3-0');
    } finally {
      clock.restore();
    }
  });

  it('keeps nothing of what is settled, although nobody asks for it', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const shard = new ShardCursor(START);
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 1_000; i++) shard.hold(`${round}-${i}`, Promise.resolve());
      await tick();
    }
    collect();
    assert.isBelow(
      process.memoryUsage().heapUsed - before,
      5_000_000,
      '200,000 events of 100 bytes and more',
    );
    shard.moveTo('200-0');
    assert.equal(shard.cursor, '200-0');
  });

  const id = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 43 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([ms, sequence]) => ({ ms, sequence, text: `${ms}-${sequence}` }));

  it('is ordered by time, then by number, and not as text', () => {
    assert.isBelow(compareIds('9-9', '10-0'), 0);
    assert.isBelow(compareIds('1-9', '1-10'), 0);
    fc.assert(
      fc.property(id, id, (a, b) => {
        const order =
          a.ms !== b.ms ? a.ms - b.ms : Number(a.sequence > b.sequence) - Number(a.sequence < b.sequence);
        assert.equal(Math.sign(compareIds(a.text, b.text)), Math.sign(order));
      }),
    );
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 5 }), (ids) => {
        const texts = ids.map(({ text }) => text);
        assert.deepEqual(parseCursor(formatCursor(texts)), texts);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ids = parseCursor(text);
        if (ids) assert.equal(formatCursor(ids), text);
      }),
    );
  });
});
