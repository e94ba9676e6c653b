// A Redis server of a test's own that things may happen to, and who looks after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import type { Opened } from '../support/opened.js';
import { Way } from '../support/way.js';

export interface Patient {
  /** Another one when it was started again, on the same port and files. */
  server: RedisServer;
  /** Where the server keeps its files. */
  readonly dir: string;
  readonly way: Way;
  /** A client that comes back at once; not on the way. */
  readonly nurse: Redis;
  /** Another one, closed with the test. */
  client(): Redis;
  /** Closed with the test. */
  open(connection: string | Redis, prefix: string, timeout: number): RedisTokens;
  /** Starts the server again, after its end where it was killed. */
  restart(args?: string[]): Promise<void>;
}

/** Nothing that was acknowledged is lost. */
export const SERVER_ARGS = [
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
  ...['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'],
];

export async function admit(opened: Opened, args = SERVER_ARGS): Promise<Patient> {
  const dir = mkdtempSync(join(tmpdir(), 'redis-tokens-fault-'));
  opened.later(dir, () => rmSync(dir, { recursive: true, force: true }));
  const start = (given: string[], port?: number) =>
    startRedisServer({ dir, args: given, log: () => {}, ...(port !== undefined && { port }) });
  const server = await start(args);
  const client = () => {
    const options = { maxRetriesPerRequest: null, replyMapping: 'legacy', retryStrategy: () => 20 } as const;
    const redis = new Redis(server.url, options);
    redis.on('error', () => {});
    return opened.later(redis, () => redis.disconnect());
  };
  const patient: Patient = {
    server,
    dir,
    way: opened.add(await Way.open(server.url)),
    nurse: client(),
    client,
    open: (connection, prefix, timeout) =>
      opened.add(new RedisTokens(connection as string, { prefix, timeout })),
    restart: async (given = args) => {
      await patient.server.stop();
      patient.server = await start(given, server.port);
    },
  };
  opened.later(patient, () => patient.server.stop());
  return patient;
}
