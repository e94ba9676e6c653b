/** From a connection to the repository on Redis with a near cache. */
import { ConfigError } from '../../tokens/errors.js';
import type { ResolvedTokenOptions } from '../../tokens/options.js';
import type { TokenRepository } from '../../tokens/repository.js';
import { type Connection, isOfCluster } from '../connection.js';
import { openRepository } from '../durable-repository.js';
import { Keys } from '../keys.js';
import { Store } from '../store.js';
import { Invalidations } from './invalidations.js';
import { NearCache } from './near-cache.js';
import { type CacheOptions, resolveCacheOptions } from './options.js';

/** @throws {ConfigError} */
export function openNearCache(
  connection: Connection | undefined,
  options: ResolvedTokenOptions,
  cache: CacheOptions,
): TokenRepository {
  const resolved = resolveCacheOptions(cache);
  // Each node of a Cluster tells of its own keys alone, and slots move from one to another.
  if (isOfCluster(connection))
    throw new ConfigError('option "cache" is not supported on a Cluster: leave it out there');
  const store = new Store(connection, options.timeout);
  const prefixes = new Keys(options.prefix).records(options.shards);
  const invalidations = new Invalidations(connection, prefixes, store, options.timeout);
  const repository = openRepository(connection, options, { store, isDoor: true });
  return new NearCache(repository, invalidations, resolved);
}
