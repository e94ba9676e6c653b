// The clock that commands are stamped with: Redis' own, as the process reckons it.
import { performance } from 'node:perf_hooks';
import { assert } from 'chai';
import { type SinonFakeTimers, stub, useFakeTimers } from 'sinon';
import { fromTime, RedisClock } from '../../src/redis/clock.js';
import { Store } from '../../src/redis/store.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { sharedRedis } from '../support/redis.js';

const NOW = 1_800_000_000_000_000;

describe('The clock', () => {
  const opened = new Opened();
  let fake: SinonFakeTimers | undefined;
  afterEach(() => {
    fake?.restore();
    fake = undefined;
  });

  it('reads the two numbers that Redis answers', () => {
    assert.equal(fromTime(['1800000000', '000007']), NOW + 7);
    assert.equal(fromTime([1_800_000_000, 999_999]), NOW + 999_999);
  });

  it('tells Redis’ time within some milliseconds, whatever that of the process', async () => {
    const { url } = await sharedRedis();
    const store = opened.add(new Store(url, 5_000));
    const ask = async () => fromTime(await store.client.time());
    await store.connected();
    const clock = new RedisClock(async () => (await ask()) + 3_600_000_000);
    await clock.sync();
    const before = await ask();
    const reckoned = clock.now() - 3_600_000_000;
    const after = await ask();
    assert.isAbove(reckoned, before - 5_000);
    assert.isBelow(reckoned, after + 5_000);
  });

  it('goes by nothing that the process takes for the time, before it was asked or after', async () => {
    fake = useFakeTimers({ now: NOW / 1_000 + 3_000, toFake: ['Date'] });
    const clock = new RedisClock(async () => NOW);
    const before = [clock.now(), clock.now()] as const;
    assert.isBelow(before[0], before[1]);
    await clock.sync();
    assert.approximately(clock.now(), NOW, 100_000);
    assert.isBelow(before[1], NOW);
  });

  it('is told as well in a process that is too busy to read the answer when it comes', async () => {
    const { url } = await sharedRedis();
    const store = opened.add(new Store(url, 5_000));
    const ask = async () => fromTime(await store.client.time());
    await store.connected();
    const busy = setInterval(() => {
      const until = performance.now() + 60;
      while (performance.now() < until);
    });
    const clock = new RedisClock(ask);
    await clock.sync();
    clearInterval(busy);
    const [before, reckoned, after] = [await ask(), clock.now(), await ask()];
    assert.isAbove(reckoned, before - 20_000); // half of each answer's way would be 30 ms
    assert.isBelow(reckoned, after + 20_000);
  });

  it('reckons nothing that is asked after a reply to be as early as that, and does not run ahead', async () => {
    const clock = new RedisClock(async () => NOW);
    await clock.sync();
    const told = clock.reckoned() + 500_000;
    clock.told(told);
    for (let i = 0; i < 1_000; i++) assert.equal(clock.reckoned(), told + 1);
    assert.isAbove(clock.now(), told);
  });

  it('rises strictly, however often it is asked', async () => {
    const clock = new RedisClock(async () => NOW);
    await clock.sync();
    let last = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const next = clock.now();
      assert.isTrue(Number.isInteger(next));
      assert.isAbove(next, last);
      last = next;
    }
  });

  it('follows Redis’ clock where it was set back by more than Redis would take, and rises from there', async () => {
    let time = NOW;
    const clock = new RedisClock(async () => time);
    await clock.sync();
    clock.now();
    time = NOW - 60_000_000;
    clock.told(time);
    assert.isFalse(clock.isSet);
    await clock.sync();
    const next = clock.now();
    assert.approximately(next, time, 1_000_000);
    assert.isAbove(clock.now(), next);
  });

  it('rises when Redis’ clock was set back a little, too', async () => {
    let time = NOW;
    const clock = new RedisClock(async () => time);
    await clock.sync();
    const before = clock.now();
    time = NOW - 4_000_000;
    await clock.sync();
    assert.isAbove(clock.now(), before);
    assert.isAbove(clock.now(), before + 1);
  });

  it('is later than any time that a reply told', async () => {
    const clock = new RedisClock(async () => NOW);
    await clock.sync();
    clock.told(NOW + 60_000_000);
    assert.equal(clock.now(), NOW + 60_000_001);
    clock.told(NOW);
    assert.equal(clock.now(), NOW + 60_000_002);
  });

  it('goes on by the monotonic clock, and believes the quickest of several answers', async () => {
    const waiting = stub(performance, 'eventLoopUtilization').returns({
      idle: 1_000,
      active: 0,
      utilization: 0,
    });
    opened.later(waiting, () => waiting.restore());
    fake = useFakeTimers({ now: 0, toFake: ['Date', 'performance'] });
    const trips = [40, 10, 30, 20, 50];
    let asked = 0;
    const clock = new RedisClock(async () => {
      const trip = trips[asked++] as number;
      fake?.tick(trip);
      // Right in the middle of the quickest trip; half a trip's error in the others.
      return NOW + performance.now() * 1_000 - (trip === 10 ? 5_000 : 0);
    });
    await clock.sync();
    assert.equal(asked, trips.length);
    fake.tick(100);
    assert.approximately(clock.now(), NOW + performance.now() * 1_000, 2);
  });

  it('must be set again when the machine has slept, or its time was changed', async () => {
    fake = useFakeTimers({ now: 1_000_000, toFake: ['Date'] });
    const clock = new RedisClock(async () => NOW);
    assert.isFalse(clock.isSet);
    await clock.sync();
    assert.isTrue(clock.isSet);
    for (const jump of [500, -500]) {
      fake.setSystemTime(Date.now() + jump);
      assert.isTrue(clock.isSet, `${jump} ms`);
      fake.setSystemTime(Date.now() - jump);
    }
    for (const jump of [2_000, -2_000, 3_600_000]) {
      fake.setSystemTime(Date.now() + jump);
      assert.isFalse(clock.isSet, `${jump} ms`);
      await clock.sync();
      assert.isTrue(clock.isSet);
    }
    clock.unset();
    assert.isFalse(clock.isSet);
  });

  it('is asked for this moment as often as one likes, and does not run ahead for it', async () => {
    fake = useFakeTimers({ now: 1_000_000, toFake: ['Date', 'performance'] });
    const clock = new RedisClock(async () => NOW);
    await clock.sync();
    const stamp = clock.now();
    for (let i = 0; i < 1_000; i++) assert.equal(clock.reckoned(), NOW);
    assert.equal(clock.now(), stamp + 1);
  });

  it('is not believed again after a sleep because it could not be asked', async () => {
    fake = useFakeTimers({ now: 1_000_000, toFake: ['Date', 'performance'] });
    let broken = false;
    const clock = new RedisClock(async () => {
      if (broken) throw new Error('not now');
      return NOW + performance.now() * 1_000;
    });
    await clock.sync();
    fake.tick(61_000);
    fake.setSystemTime(Date.now() + 20_000);
    broken = true;
    clock.now(); // asks in the background
    await rejection(clock.sync());
    assert.isFalse(clock.isSet);
  });

  it('asks again after a minute, once, and gets over a failure', async () => {
    fake = useFakeTimers({ now: 1_000_000, toFake: ['Date', 'performance'] });
    let asked = 0;
    let broken = false;
    const clock = new RedisClock(async () => {
      asked++;
      if (broken) throw new Error('not now');
      return NOW + performance.now() * 1_000;
    });
    await clock.sync();
    assert.equal(asked, 5);
    fake.tick(59_000);
    clock.now();
    assert.equal(asked, 5);
    fake.tick(2_000);
    for (let i = 0; i < 9; i++) clock.now();
    await clock.sync();
    assert.equal(asked, 10);
    broken = true;
    fake.tick(61_000);
    clock.now();
    assert.equal((await rejection(clock.sync())).message, 'not now');
    const stamp = clock.now();
    assert.approximately(stamp, NOW + performance.now() * 1_000, 1_000);
    assert.isTrue(clock.isSet);
    broken = false;
    fake.tick(61_000);
    clock.now();
    await clock.sync();
    assert.equal(asked, 16);
  });
});
