/** Hearing of every key that changes, by Redis' client tracking: what each connection needs that is told of it. */
import type { Redis } from 'ioredis';
import { CommandFailedError, ConfigError } from '../tokens/errors.js';
import type { Connection } from './connection.js';
import { toStoreError } from './failure.js';
import { openListener } from './listener.js';

/** Where Redis tells of changed keys to connections with the protocol of version 2. */
export const CHANNEL = '__redis__:invalidate';

/** Milliseconds: between two PINGs, and within which one must be answered. */
export const PING_INTERVAL = 1_000;
export const PING_DEADLINE = 1_000;

/** Milliseconds until what failed on a connection that stands is tried again. */
export const RETRY = 1_000;

/** One of our own, also where the caller gave a client: tracking is a setting of a connection. */
export function openTracker(connection: Connection | undefined): Redis {
  // ioredis drops what tracking tells with protocol 3. Without an offline queue nothing is sent on a later connection.
  return openListener(connection, PING_DEADLINE, {
    protocol: 2,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  }) as Redis;
}

/** Resolves when this connection is told of the keys that begin so, in messages on its one channel. */
export async function track(client: Redis, prefixes: readonly string[]): Promise<void> {
  const id = await client.client('ID');
  const named = prefixes.flatMap((prefix) => ['PREFIX', prefix]);
  await client.call('CLIENT', 'TRACKING', 'OFF'); // on by an attempt that was refused to subscribe
  await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...named);
  await client.subscribe(CHANNEL);
}

/** What no waiting changes, for the option that needs it; `undefined` for what may pass. @param more that is needed. */
export function trackingRefusal(error: unknown, option: string, more = ''): ConfigError | undefined {
  const failure = toStoreError(error, 'none', true);
  if (!(failure instanceof ConfigError || failure instanceof CommandFailedError)) return undefined;
  const what = `option "${option}" needs CLIENT TRACKING and the channel ${CHANNEL}${more}`;
  return new ConfigError(`${what}: ${failure.message}`, { cause: failure.cause });
}

/** Those who wait for the next outcome, whatever it is. */
export class Outcomes {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next one, or after so many milliseconds. */
  next(timeout: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, timeout);
      this.#waiting.add(settle);
    });
  }

  tell(): void {
    for (const settle of [...this.#waiting]) settle();
  }
}
