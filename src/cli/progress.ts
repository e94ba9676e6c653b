/** How far a long command has come: on a terminal one line that is written over, else a line now and then; nothing beside JSON. */
import type { Output } from './output.js';

/** Milliseconds between two reports: on a terminal, and in a log. */
const OFTEN = 100;
const NOW_AND_THEN = 5_000;

const ERASED = '\r\u001b[K';

export class Progress {
  readonly #output: Output;
  readonly #what: string;
  readonly #terminal = process.stderr.isTTY === true;
  readonly #begun = performance.now();
  #told = this.#begun;
  #shown = false;

  /** @param what is counted, such as `keys`. */
  constructor(output: Output, what: string) {
    this.#output = output;
    this.#what = what;
  }

  /** @param more what else is to be said. */
  at(done: number, total?: number, more = ''): void {
    if (this.#output.json) return;
    const now = performance.now();
    if (now - this.#told < (this.#terminal ? OFTEN : NOW_AND_THEN)) return;
    this.#told = now;
    const line = `${this.#line(done, total, (now - this.#begun) / 1_000)}${more}`;
    if (this.#terminal) process.stderr.write(`${ERASED}${line}`);
    else this.#output.note(line);
    this.#shown = true;
  }

  /** Leaves a terminal's line empty. */
  end(): void {
    if (this.#terminal && this.#shown) process.stderr.write(ERASED);
    this.#shown = false;
  }

  #line(done: number, total: number | undefined, seconds: number): string {
    const rate = done / seconds;
    const counted = `${done}${total === undefined ? '' : ` of ${total}`} ${this.#what}, ${Math.round(rate)} a second`;
    if (total === undefined || rate === 0) return counted;
    return `${counted}, ${Math.ceil(Math.max(0, total - done) / rate)} s left`;
  }
}
