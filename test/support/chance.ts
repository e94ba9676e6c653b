// Random choices that can be made again: a run that fails prints its seed, and TEST_SEED sets it.
import { randomInt } from 'node:crypto';

/** The seed of this run. */
export const SEED = Number(process.env.TEST_SEED || randomInt(2 ** 31));

/** How a run is made again. */
export const AGAIN = `TEST_SEED=${SEED}`;

/** For fast-check, whose counterexamples are found again by its own seed. */
export const seeded = process.env.TEST_SEED ? { seed: SEED } : {};

export class Chance {
  readonly #first: number;
  #state: number;

  /** @param name whose choices these are: each has its own, so that none depends on how many another made. */
  constructor(name = '') {
    let state = SEED;
    for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
    this.#first = state;
    this.#state = state;
  }

  /** One that begins anew with each test of the `describe` that it is made in, whichever tests run before. */
  static ofEachTest(): Chance {
    const chance = new Chance();
    beforeEach(() => {
      chance.#state = chance.#first;
    });
    return chance;
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
