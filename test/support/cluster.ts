// Nodes of a Redis Cluster, each a real redis-server of its own.
import { Cluster, Redis } from 'ioredis';
import { freePort, startRedisServer } from '../../tools/redis-server.js';
import type { Opened } from './opened.js';

export const SLOTS = 16_384;

export interface ClusterNode {
  redis: Redis;
  port: number;
  /** Where the nodes speak to each other. */
  bus: number;
}

/** A node without slots, which knows no other. */
export async function startClusterNode(opened: Opened): Promise<ClusterNode> {
  const bus = await freePort(); // by default it would often be too high to be one
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(bus)];
  const announced = ['--cluster-announce-ip', '127.0.0.1'];
  const server = await startRedisServer({ args: [...args, ...announced], log: () => {} });
  opened.later(server, () => server.stop());
  const redis = new Redis(server.url);
  opened.later(redis, () => redis.disconnect());
  return { redis, port: server.port, bus };
}

export function openCluster(opened: Opened, { port }: ClusterNode): Cluster {
  const cluster = new Cluster([{ host: '127.0.0.1', port }]);
  return opened.later(cluster, () => cluster.disconnect());
}
