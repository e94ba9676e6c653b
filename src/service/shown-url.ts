/** The address of Redis as it may be shown: nothing secret is left in it. */
import { parseClusterUrl } from '../redis/cluster.js';
import type { Settings } from './settings.js';

export function shownUrl(connection: Settings['connection']): string {
  if (typeof connection !== 'string') {
    const { host = 'localhost', port = 6379, path, tls } = connection;
    return path ? `unix:${path}` : `${tls ? 'rediss' : 'redis'}://${host}:${port}`;
  }
  if (parseClusterUrl(connection)) return connection.replace(/\/\/[^@/]*@/, '//***@').replace(/\/$/, '');
  if (!URL.canParse(connection)) return '(no URL)';
  const url = new URL(connection);
  if (url.username !== '') url.username = '***';
  if (url.password !== '') url.password = '***';
  url.search = ''; // ioredis takes options there, a password among them
  return url.href;
}

/** Whether the address says all that is needed to connect. */
export function isShownInFull(connection: Settings['connection']): connection is string {
  if (typeof connection !== 'string') return false;
  const shown = shownUrl(connection);
  return shown === connection || (URL.canParse(connection) && shown === new URL(connection).href);
}
