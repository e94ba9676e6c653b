/** The address of Redis as it may be shown: nothing secret is left in it. */
import type { Settings } from './settings.js';

export function shownUrl(connection: Settings['connection']): string {
  if (typeof connection !== 'string') {
    const { host = 'localhost', port = 6379, path, tls, db } = connection;
    return path ? `unix:${path}` : `${tls ? 'rediss' : 'redis'}://${host}:${port}${db ? `/${db}` : ''}`;
  }
  if (!URL.canParse(connection)) return '(no URL)';
  const url = new URL(connection);
  if (url.username !== '') url.username = '***';
  if (url.password !== '') url.password = '***';
  url.search = ''; // ioredis takes options there, a password among them
  return url.href;
}

/** Whether the address says all that is needed to connect. */
export const isShownInFull = (connection: Settings['connection']): connection is string =>
  typeof connection === 'string' && shownUrl(connection) === new URL(connection).href;
