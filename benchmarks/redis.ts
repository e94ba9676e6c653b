// The one Redis that every subject is measured on. It is ours, so that it may be emptied; each subject has a database.
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../tools/redis-server.js';

const SNAPSHOT = 'snapshot.rdb';

export class BenchRedis {
  readonly #server: RedisServer;
  /** For what is not measured. */
  readonly client: Redis;

  private constructor(server: RedisServer) {
    this.#server = server;
    this.client = new Redis(server.url);
  }

  static async start(): Promise<BenchRedis> {
    const args = ['--save', '', '--dbfilename', SNAPSHOT, '--enable-debug-command', 'local'];
    return new BenchRedis(await startRedisServer({ args, log: () => {} }));
  }

  get port(): number {
    return this.#server.port;
  }

  url(database = 0): string {
    return `${this.#server.url}/${database}`;
  }

  async empty(): Promise<void> {
    await this.client.flushall('SYNC');
  }

  /** Keeps what is there, for `restore`. */
  async keep(): Promise<void> {
    await this.client.save();
  }

  async restore(): Promise<void> {
    await this.client.call('DEBUG', 'RELOAD', 'NOSAVE');
  }

  /** Bytes that Redis uses. */
  async usedMemory(): Promise<number> {
    return this.#info('memory', 'used_memory');
  }

  async version(): Promise<string> {
    return (await this.client.info('server')).match(/^redis_version:(.+)\r$/m)?.[1] ?? 'unknown';
  }

  async close(): Promise<void> {
    this.client.disconnect();
    await this.#server.stop();
  }

  async #info(section: string, field: string): Promise<number> {
    const value = (await this.client.info(section)).match(new RegExp(`^${field}:(\\d+)`, 'm'))?.[1];
    if (value === undefined) throw new Error(`Redis tells no ${field}`);
    return Number(value);
  }
}
