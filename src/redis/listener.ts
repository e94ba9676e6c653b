/** Connections that only listen: a PING with a deadline tells whether they still hear. */
import { performance } from 'node:perf_hooks';
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

/**
 * Asks again and again. A connection on which an answer does not come in time is ended, to be made anew: also one that
 * lags, and is never silent for so long.
 * @param interval milliseconds between two PINGs.
 * @param deadline milliseconds within which one must be answered.
 * @param heard is told when the PING was sent that has been answered: what Redis sent before that has arrived.
 */
export function keepAsking(
  client: RedisClient,
  interval: number,
  deadline: number,
  heard: (sent: number) => void = () => {},
): NodeJS.Timeout {
  return setInterval(() => {
    if (client.status !== 'ready') return;
    const sent = performance.now();
    let answered = false;
    const end = () => answered || client.disconnect(true);
    // A process that was busy may have the answer lying there.
    const late = setTimeout(() => setImmediate(end), deadline).unref();
    client
      .ping()
      .then(() => heard(sent))
      .catch(() => {})
      .finally(() => {
        answered = true;
        clearTimeout(late);
      });
  }, interval);
}
