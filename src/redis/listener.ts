/** Connections that only listen: a PING with a deadline tells whether they still hear. */
import type { RedisOptions } from 'ioredis';
import { type Connection, LASTING_CLIENT, openClient, type RedisClient } from './connection.js';

/**
 * A client of ours that subscribes by itself whenever it is ready.
 * @param deadline milliseconds: a socket that is silent for so long while a PING waits is dead, although nothing has closed it.
 */
export function openListener(
  connection: Connection | undefined,
  deadline: number,
  options: RedisOptions = {},
): RedisClient {
  return openClient(connection, {
    ...LASTING_CLIENT,
    autoResubscribe: false,
    socketTimeout: deadline,
    ...options,
  });
}

/** @param interval milliseconds between two PINGs. */
export const keepAsking = (client: RedisClient, interval: number): NodeJS.Timeout =>
  setInterval(() => client.ping().catch(() => {}), interval);
