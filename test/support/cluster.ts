// A Redis Cluster of a test's own, closed after it.
import { type RedisCluster, startRedisCluster } from '../../tools/redis-cluster.js';
import type { Opened } from './opened.js';

/** Three primaries, which have no replicas unless they are asked for. */
export async function openCluster(opened: Opened, replicas = 0): Promise<RedisCluster> {
  const cluster = await startRedisCluster({ replicas, log: () => {} });
  return opened.later(cluster, () => cluster.stop());
}
