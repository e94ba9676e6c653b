/** Time in memory: the machine's wall clock, plus what was advanced. */
import { type Clock, MICROS_PER_MS, MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';
import { ValidationError } from '../tokens/errors.js';

export class MemoryClock implements Clock {
  #advanced: Microseconds = 0;
  #last: Microseconds = 0;

  /** Rises with every call, also while a test's fake timers hold `Date` still. */
  now(): Microseconds {
    this.#last = this.reckoned();
    return this.#last;
  }

  /** No sooner than what was told of last. */
  reckoned(): Microseconds {
    return Math.max(this.#last + 1, Date.now() * MICROS_PER_MS + this.#advanced);
  }

  /** @throws {ValidationError} for what is no time span. */
  advance(seconds: number): void {
    if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) {
      throw new ValidationError('advance', [{ field: 'seconds', problem: 'must be a number from 0 up' }]);
    }
    const by = Math.round(seconds * MICROS_PER_SECOND);
    this.#advanced += by;
    this.#last += by; // what was told before lies that far back, and no less
  }
}
