// A plain client of the Redis that the tests use, be it one server, one behind Sentinels, or a Cluster.
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseClusterUrl } from '../../src/redis/cluster.js';
import { parseSentinelUrl } from '../../src/redis/sentinel.js';

/** On a Cluster it asks all primaries for keys, and each for what it has; of anything else a command must have keys of one slot. */
class PlainCluster extends Cluster {
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of ioredis
  override async keys(pattern: any): Promise<string[]> {
    const found = await Promise.all(this.nodes('master').map((node) => node.keys(pattern)));
    return found.flat();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of ioredis
  override async del(...keys: any[]): Promise<number> {
    let deleted = 0;
    for (const key of keys.flat()) deleted += Number(await this.call('DEL', String(key)));
    return deleted;
  }
}

export function openPlain(url: string, options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const sentinels = parseSentinelUrl(url);
  if (sentinels) return new Redis({ ...sentinels, ...options } as RedisOptions & { replyMapping?: 'legacy' });
  const address = parseClusterUrl(url);
  if (!address) return new Redis(url, options);
  const { retryStrategy: _, enableOfflineQueue: __, lazyConnect = false, ...redisOptions } = options;
  const cluster = new PlainCluster(address.nodes, {
    lazyConnect,
    redisOptions: { ...address.redisOptions, ...redisOptions } as { replyMapping?: 'legacy' },
  });
  return cluster as unknown as Redis;
}
