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

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;

/**
 * Waits until the store's time is known, and sets when a command was issued that was asked for before. What it was stamped
 * with until then is later than what came before it, and counts as far as it is not to come yet.
 */
export async function stampWhenReady(
  command: { issuedAt: Microseconds },
  store: Clock & { ready(): Promise<void> },
): Promise<void> {
  const asked = performance.now();
  await store.ready();
  const now = store.now();
  const waited = Math.round((performance.now() - asked) * MICROS_PER_MS);
  const { issuedAt } = command;
  command.issuedAt = issuedAt > now ? now : Math.max(issuedAt, now - waited);
}
