/** How far something long has come, on standard error: one line that is written over on a terminal, else one now and then. */
import type { Output } from './output.js';

/** Milliseconds between two reports: on a terminal, and in a log. */
const OFTEN = 100;
const NOW_AND_THEN = 5_000;

const BAR = 16;

/** Milliseconds before which a rate says nothing. */
const SETTLED = 1_000;

/** Tells nothing beside JSON, and nothing of what is over at once. */
export class Progress {
  readonly #output: Output;
  readonly #what: string;
  readonly #terminal: boolean;
  readonly #begun = performance.now();
  #told = performance.now();
  #shown = false;

  /** @param what is counted, such as `records`. */
  constructor(output: Output, what: string) {
    this.#output = output;
    this.#what = what;
    this.#terminal = process.stderr.isTTY === true;
  }

  /**
   * @param total where it is known: then there is a bar, and how long it will take.
   * @param remark what else there is to tell.
   */
  at(done: number, total?: number, remark?: string): void {
    const now = performance.now();
    if (this.#output.json || now - this.#told < (this.#terminal ? OFTEN : NOW_AND_THEN)) return;
    this.#told = now;
    const line = progressLine(this.#what, done, total, now - this.#begun, remark);
    if (this.#terminal)
      process.stderr.write(`\r${line.slice(0, (process.stderr.columns || 80) - 1)}\u001b[K`);
    else this.#output.note(line);
    this.#shown = true;
  }

  /** Leaves a terminal's line empty; more may be told afterwards. */
  end(): void {
    if (this.#terminal && this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
  }
}

/** @param elapsed milliseconds since it began. */
export function progressLine(
  what: string,
  done: number,
  total: number | undefined,
  elapsed: number,
  remark?: string,
): string {
  const perSecond = elapsed < SETTLED ? 0 : (done / elapsed) * 1_000;
  const parts = [
    total === undefined ? `${grouped(done)} ${what}` : `${grouped(done)}/${grouped(total)} ${what}`,
    perSecond > 0
      ? `${grouped(perSecond < 10 ? Number(perSecond.toFixed(1)) : Math.round(perSecond))}/s`
      : '',
    total !== undefined && perSecond > 0 ? `${duration((total - done) / perSecond)} left` : '',
    remark ?? '',
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  return total === undefined ? text : `${bar(done, total)} ${text}`;
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  return `[${'#'.repeat(Math.floor(share * BAR)).padEnd(BAR)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

const grouped = (count: number): string => count.toLocaleString('en-US');

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 120) return `${whole} s`;
  return whole < 7_200 ? `${Math.ceil(whole / 60)} min` : `${Math.ceil(whole / 3_600)} h`;
}
