/** What a worker's log says of what fails: in words, not again and again, and that it is over. */
import { setTimeout as wait } from 'node:timers/promises';
import { tlsProblem } from '../redis/certificates.js';
import { StoreUnavailableError } from '../tokens/errors.js';

/** Milliseconds for which an error is told once: a lost connection tells the same at every attempt. */
const SAME_ERROR = 30_000;

/** Milliseconds without a refusal after which a full memory is news again: while it lasts, one comes every few seconds. */
const MEMORY_FREED = 120_000;

/** Milliseconds between two looks whether Redis is back. */
const LOOK_DELAY = 1_000;

const NEVER = Number.NEGATIVE_INFINITY;

export class Problems {
  readonly #say: (event: string, line: string) => void;
  readonly #reach: () => Promise<unknown>;
  readonly #stop: AbortSignal;
  readonly #told = new Map<string, number>();
  #refused = NEVER;
  #isAway = false;

  /**
   * @param say is given what has happened, by a name, and in words.
   * @param reach resolves where Redis can be reached.
   * @param stop aborts when the worker is to end: whether Redis hears of it is nobody's business then.
   */
  constructor(say: (event: string, line: string) => void, reach: () => Promise<unknown>, stop: AbortSignal) {
    this.#say = say;
    this.#reach = reach;
    this.#stop = stop;
  }

  tell(error: Error): void {
    if (/\bOOM command not allowed\b/.test(error.message)) {
      this.#tellOfMemory();
      return;
    }
    if (isOutage(error)) {
      if (this.#stop.aborted) return;
      this.#awaitReturn();
    }
    const text = error.message || (error as NodeJS.ErrnoException).code || error.name;
    const now = performance.now();
    if (now - (this.#told.get(text) ?? NEVER) < SAME_ERROR) return;
    this.#told.set(text, now);
    this.#say(isOutage(error) ? 'redis-lost' : 'worker-error', text);
  }

  #tellOfMemory(): void {
    const now = performance.now();
    const isNews = now - this.#refused > MEMORY_FREED;
    this.#refused = now;
    if (isNews) this.#say('redis-full', "Redis' memory is full: jobs wait until there is memory");
  }

  async #awaitReturn(): Promise<void> {
    if (this.#isAway) return;
    this.#isAway = true;
    const isBack = () =>
      this.#reach().then(
        () => true,
        () => false,
      );
    while (!this.#stop.aborted && !(await isBack())) {
      await wait(LOOK_DELAY, undefined, { signal: this.#stop, ref: false }).catch(() => {});
    }
    this.#isAway = false;
    this.#told.clear();
    if (!this.#stop.aborted) this.#say('redis-back', 'Redis can be reached again');
  }
}

/** The system's own errors, and ours: what else BullMQ tells came from a Redis that answers. */
function isOutage(error: Error): boolean {
  if (error instanceof StoreUnavailableError) return !error.message.startsWith('Redis refuses');
  return (
    tlsProblem(error) !== undefined ||
    /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '') ||
    error.message === 'Connection is closed.'
  );
}
