// The Redis that the tests share: started when first asked for, stopped by hooks.ts at the end of the run.
import { randomBytes } from 'node:crypto';
import { isOfCluster } from '../../src/redis/connection.js';
import { startRedisServer } from '../../tools/redis-server.js';

export interface SharedRedis {
  readonly url: string;
  /** Whether this run started it, and so is the only one that talks to it. */
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

/** Whether REDIS_URL names a Cluster: what is told of a connection, or of one server's time, is shown on a single one. */
export const onCluster = isOfCluster(process.env.REDIS_URL);

let shared: Promise<SharedRedis> | undefined;

/** The shared Redis: the one REDIS_URL names, or else a server of this run. Rejects, and so fails the test, without one. */
export function sharedRedis(): Promise<SharedRedis> {
  shared ??= start();
  return shared;
}

/** The shared Redis if some test has asked for it already. */
export function sharedRedisIfStarted(): Promise<SharedRedis> | undefined {
  return shared;
}

/** A key prefix that no other test uses, so that tests share a Redis without meeting. */
export function freshPrefix(): string {
  return `t${randomBytes(8).toString('hex')}`;
}

async function start(): Promise<SharedRedis> {
  const url = process.env.REDIS_URL;
  if (url) return { url, isOurs: false, stop: async () => undefined };
  const server = await startRedisServer();
  return { url: server.url, isOurs: true, stop: () => server.stop() };
}
