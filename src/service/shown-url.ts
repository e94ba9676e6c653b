/** The address of Redis as it may be shown: nothing secret is left in it. */
import { type ClusterAddress, parseClusterUrl } from '../redis/cluster.js';
import { parseSentinelUrl } from '../redis/sentinel.js';
import type { Settings } from './settings.js';

export function shownUrl(connection: Settings['connection']): string {
  if (typeof connection !== 'string' && 'nodes' in connection) {
    const { nodes, redisOptions: { username, password, tls } = {} } = connection;
    const login = username || password ? '***@' : '';
    return `redis${tls ? 's' : ''}-cluster://${login}${nodes.map(nodeText).join(',')}`;
  }
  if (typeof connection !== 'string') {
    const { host = 'localhost', port = 6379, path, tls, db, sentinels, name } = connection;
    if (sentinels) {
      const login = connection.username || connection.password ? '***@' : '';
      const known = sentinels.map(nodeText).join(',');
      return `redis${tls ? 's' : ''}-sentinel://${login}${known}${db ? `/${db}` : ''}#${name}`;
    }
    return path ? `unix:${path}` : `${tls ? 'rediss' : 'redis'}://${host}:${port}${db ? `/${db}` : ''}`;
  }
  if (parseClusterUrl(connection) || parseSentinelUrl(connection))
    return connection.replace(/\/\/[^@/]*@/, '//***@').replace(/\/$/, '');
  if (!URL.canParse(connection)) return '(no URL)';
  const url = new URL(connection);
  if (url.username !== '') url.username = '***';
  if (url.password !== '') url.password = '***';
  url.search = ''; // ioredis takes options there, a password among them
  url.hash = ''; // and a password that was not escaped may go on there
  return url.href;
}

function nodeText(node: ClusterAddress['nodes'][number]): string {
  if (typeof node !== 'object') return String(node);
  const { host = 'localhost', port = 6379 } = node;
  return `${host}:${port}`;
}

/** Whether the address says all that is needed to connect. */
export function isShownInFull(connection: Settings['connection']): connection is string {
  if (typeof connection !== 'string') return false;
  const shown = shownUrl(connection);
  return shown === connection || (URL.canParse(connection) && shown === new URL(connection).href);
}
