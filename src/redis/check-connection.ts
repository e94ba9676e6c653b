/** Which connections are refused before anything is opened: those that can not work, and those that would break a promise. */
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { ConfigError } from '../tokens/errors.js';
import { TOKEN_OPTION_RULES } from '../tokens/options.js';
import { parseClusterUrl } from './cluster.js';
import { type Connection, isClient } from './connection.js';
import { parseSentinelUrl } from './sentinel.js';

/** Options of this library, which have no meaning to ioredis: whoever passes one as a connection's has mixed them up. */
const OUR_OPTIONS = [
  ...Object.keys(TOKEN_OPTION_RULES),
  ...[
    'connection',
    'repository',
    'executor',
    'concurrency',
    'closeTimeout',
    'cache',
    'migrateFrom',
    'batch',
    'app',
    'type',
    'owner',
    'from',
  ],
];

/**
 * Refuses a connection that can not work.
 * @throws {ConfigError}
 */
export function checkConnection(connection: unknown): asserts connection is Connection | undefined {
  if (connection === undefined) return;
  if (typeof connection === 'string') {
    if (/^rediss?-cluster:/.test(connection)) {
      if (parseClusterUrl(connection)) return;
      throw new ConfigError(
        'connection: the URL of a Cluster must be of the form redis-cluster://host:port,host:port',
      );
    }
    if (/^rediss?-sentinel:/.test(connection)) {
      if (parseSentinelUrl(connection)) return;
      throw new ConfigError(
        'connection: the URL of Sentinels must be of the form redis-sentinel://host:port,host:port/0#name',
      );
    }
    // It would end the address there, and the rest of a password be no part of it.
    if (connection.includes('#')) throw new ConfigError('connection: a # in a URL must be written as %23');
    if (!/^rediss?:\/\//.test(connection) || !URL.canParse(connection)) {
      throw new ConfigError('connection: a URL must be of the form redis://host:port or rediss://host:port');
    }
    if (!/^(\/\d*)?$/.test(new URL(connection).pathname)) {
      throw new ConfigError(
        'connection: the path of a URL must be the number of a database, as in redis://host:port/1',
      );
    }
    return;
  }
  if (typeof connection !== 'object' || connection === null) {
    throw new ConfigError('connection: must be a URL, ioredis options or an ioredis client');
  }
  const options: Partial<RedisOptions & ClusterOptions> = isClient(connection)
    ? connection.options
    : connection;
  if (connection instanceof URL) throw new ConfigError('connection: pass the `href` of a URL');
  for (const name of OUR_OPTIONS) {
    if (Object.hasOwn(options, name)) {
      throw new ConfigError(
        `connection: "${name}" is an option of redis-tokens: it is not part of the connection`,
      );
    }
  }
  if (options.keyPrefix || options.redisOptions?.keyPrefix) {
    throw new ConfigError('connection: keyPrefix is not supported; use the option "prefix"');
  }
  if (options.sentinels && options.tls && !options.enableTLSForSentinelMode) {
    throw new ConfigError(
      'connection: with sentinels, tls counts only where enableTLSForSentinelMode is true (and sentinelTLS, for the Sentinels)',
    );
  }
  if (options.sentinels && !options.name) {
    throw new ConfigError('connection: with sentinels, "name" must say which of what they watch is meant');
  }
  if (options.role === 'slave') {
    throw new ConfigError('connection: role must be "master": a replica may not know of a revocation yet');
  }
  if (options.scaleReads !== undefined && options.scaleReads !== 'master') {
    throw new ConfigError(
      'connection: scaleReads must be "master": a replica may not know of a revocation yet',
    );
  }
}
