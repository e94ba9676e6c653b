// Random choices that can be made again: a test that fails prints its seed, and RACE_SEED sets it.
import { randomInt } from 'node:crypto';

const SEED = Number(process.env.RACE_SEED ?? randomInt(2 ** 31));

/** Every test that uses it draws the same numbers from the same seed, whichever tests run before. */
export class Chance {
  #state = SEED;

  /** Registers the hooks: to be made in the body of a `describe`. */
  constructor() {
    beforeEach(() => {
      this.#state = SEED;
    });
    afterEach(function () {
      if (this.currentTest?.state === 'failed') console.error(`      to see it again: RACE_SEED=${SEED}`);
    });
  }

  /** From 0 up to 1, which it never is (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True with this probability. */
  is(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items];
    for (let i = all.length - 1; i > 0; i--) {
      const other = this.int(0, i);
      [all[i], all[other]] = [all[other] as T, all[i] as T];
    }
    return all;
  }
}
