/** Time as commands are stamped with it. */

/** Integer microseconds since the epoch: exact in a double until the year 2255. */
export type Microseconds = number;

/** The store's time as this process reckons it. */
export interface Clock {
  /** Strictly rising within the process, and later than any time that the store told it. */
  now(): Microseconds;
}

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;
