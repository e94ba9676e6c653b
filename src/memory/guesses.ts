/** Misses by client, in memory: each is counted at once. */
import {
  type GuessingRule,
  type GuessingSuspected,
  guessingSuspected,
  type Miss,
} from '../tokens/guessing.js';

export class Guesses {
  readonly #rule: GuessingRule;
  readonly #misses = new Map<string, number>();
  readonly suspicions: GuessingSuspected[] = [];
  #ends = Number.NEGATIVE_INFINITY;

  constructor(rule: GuessingRule) {
    this.#rule = rule;
  }

  /** @param nowMs epoch milliseconds. */
  add(miss: Miss, nowMs: number): void {
    const { misses: limit, window } = this.#rule;
    if (nowMs >= this.#ends) {
      this.#misses.clear();
      this.#ends = nowMs + window;
    }
    const name = `${miss.app}\0${miss.type}\0${miss.client}`;
    const misses = (this.#misses.get(name) ?? 0) + 1;
    this.#misses.set(name, misses);
    if (misses === limit) this.suspicions.push(guessingSuspected(miss, misses, window, nowMs));
  }
}
