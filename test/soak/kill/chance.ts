// Random choices that a seed and a name determine, in whatever order processes and promises take their turns.
import { randomInt } from 'node:crypto';

/** The seed of this run: KILL_SEED, or another one each time. */
export const SEED = Number(process.env.KILL_SEED || randomInt(2 ** 31));

export class Chance {
  #state: number;

  /** @param name whose choices these are: each has its own, so that none depends on how many another made. */
  constructor(name: string) {
    this.#state = SEED;
    for (const char of name) this.#state = Math.imul(this.#state ^ char.charCodeAt(0), 0x01000193);
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

  is(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T;
  }
}
