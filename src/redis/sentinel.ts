/** How a primary is named that Sentinels know, and how it is found over TLS. */
import type { RedisOptions } from 'ioredis';
import { parseHosts, parseLogin } from './hosts-url.js';

const SENTINEL_URL = /^redis(s?)-sentinel:\/\/(?:([^@/#]*)@)?([^@/#]+)(?:\/(\d*))?#([\w.-]+)$/;

const DEFAULT_PORT = 26_379;

/**
 * What `redis-sentinel://user:password@host:port,host:port/0#name` names: the primary that some Sentinels know by that
 * name, where user, password and the number of the database are its own. `rediss-sentinel:` is by TLS, to the Sentinels
 * too. `undefined` for another text.
 */
export function parseSentinelUrl(url: string): RedisOptions | undefined {
  const [, tls, login, hosts = '', db, name = ''] = SENTINEL_URL.exec(url) ?? [];
  const sentinels = parseHosts(hosts, DEFAULT_PORT);
  const user = parseLogin(login);
  if (!sentinels || !user) return undefined;
  return { sentinels, name, ...user, ...(db && { db: Number(db) }), ...(tls && sentinelTls({})) };
}

/** ioredis takes `tls` for neither connection where there are Sentinels, unless it is told. */
export const sentinelTls = (tls: NonNullable<RedisOptions['tls']>): RedisOptions => ({
  tls,
  sentinelTLS: tls,
  enableTLSForSentinelMode: true,
});
