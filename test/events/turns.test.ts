// Readings that many ask for: never two at a time, and none that was too early for who asked.
import { assert } from 'chai';
import { Turns } from '../../src/events/turns.js';
import { eventually, rejection } from '../support/eventually.js';

describe('Turns', () => {
  /** Ends of the turns that have begun, in order. */
  let ends: { resolve: () => void; reject: (error: Error) => void }[];
  const work = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
  beforeEach(() => {
    ends = [];
  });
  const begun = (count: number) => eventually(`${count} turns have begun`, () => ends.length === count);

  it('are one at a time, and those who ask meanwhile share the next', async () => {
    const turns = new Turns(work);
    const first = turns.ask();
    assert.isTrue(turns.isAsked);
    await begun(1);
    assert.isFalse(turns.isAsked, 'it may be too early for who asks now');
    const second = turns.ask();
    assert.strictEqual(turns.ask(), second);
    ends[0]?.resolve();
    await first;
    await begun(2);
    ends[1]?.resolve();
    await second;
    assert.lengthOf(ends, 2);
  });

  it('go on after one that failed', async () => {
    const turns = new Turns(work);
    const failing = rejection(turns.ask());
    await begun(1);
    const next = turns.ask();
    ends[0]?.reject(new Error('failed'));
    assert.equal((await failing).message, 'failed');
    await begun(2);
    ends[1]?.resolve();
    await next;
  });

  it('keep their distance, but for the first', async () => {
    const times: number[] = [];
    const turns = new Turns(async () => void times.push(performance.now()), 50);
    const asked = performance.now();
    for (let i = 0; i < 3; i++) await turns.ask();
    const [first, second, third] = times as [number, number, number];
    assert.isBelow(first - asked, 50);
    for (const distance of [second - first, third - second])
      assert.isAtLeast(distance, 40, 'but for rounding');
  });
});
