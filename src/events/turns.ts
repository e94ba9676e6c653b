/** Work that many ask for: one turn at a time, and one for all who asked during the last. */
import { setTimeout as wait } from 'node:timers/promises';

export class Turns {
  readonly #work: () => Promise<void>;
  readonly #pace: number;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;
  #begun = Number.NEGATIVE_INFINITY;

  /** @param pace milliseconds from the beginning of a turn to that of the next, at least. Default 0. */
  constructor(work: () => Promise<void>, pace = 0) {
    this.#work = work;
    this.#pace = pace;
  }

  /** Whether a turn is to come that has not begun. */
  get isAsked(): boolean {
    return this.#next !== undefined;
  }

  /** Settles as the next turn does: one that is under way may have been too early. */
  ask(): Promise<void> {
    this.#next ??= this.#take(this.#last);
    return this.#next;
  }

  async #take(last: Promise<unknown>): Promise<void> {
    await last;
    const early = this.#begun + this.#pace - performance.now();
    if (early > 0) await wait(Math.ceil(early));
    this.#begun = performance.now();
    this.#last = (this.#next as Promise<void>).catch(() => {});
    this.#next = undefined;
    await this.#work();
  }
}
