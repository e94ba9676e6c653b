/** Time as commands are stamped with it. */
import { performance } from 'node:perf_hooks';

/** Integer microseconds since the epoch: exact in a double until the year 2255. */
export type Microseconds = number;

/** The store's time as this process reckons it. */
export interface Clock {
  /** The next stamp: strictly rising within the process, and later than any time that the store told it. */
  now(): Microseconds;
  /**
   * This moment, later than any time that the store told it, as often as it is asked: `now`, asked a million times a
   * second, would run ahead.
   */
  reckoned(): Microseconds;
}

/** Waits until the store's time is known, and sets when a command was issued that was asked for before. */
export async function stampWhenReady(
  command: { issuedAt: Microseconds },
  store: Clock & { ready(): Promise<void> },
): Promise<void> {
  const asked = performance.now();
  await store.ready();
  const waited = Math.round((performance.now() - asked) * MICROS_PER_MS);
  command.issuedAt = store.now() - waited;
}

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;
