// A Redis of its own with tokens that redis-tokens 0.0 itself wrote: its keys have no prefix that could tell tests apart.
import { Redis } from 'ioredis';
import { RedisTokens as OldTokens } from 'redis-tokens-0';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';

export const SHOP = { app: 'shop', type: 'session' };
export const ANN = { ...SHOP, owner: 'ann' };

export interface OldToken {
  app: string;
  type: string;
  owner: string;
  data: Record<string, unknown>;
  token: string;
}

export class OldRedis {
  readonly url: string;
  readonly redis: Redis;
  readonly tokens: OldTokens;
  readonly #server: RedisServer;

  private constructor(server: RedisServer) {
    this.#server = server;
    this.url = server.url;
    this.redis = new Redis(server.url);
    this.tokens = new OldTokens(server.url);
  }

  static async start(): Promise<OldRedis> {
    return new OldRedis(await startRedisServer());
  }

  /** A token as redis-tokens 0.0 makes it; what is left out is ann's session for a minute. */
  async create(token: Partial<Parameters<OldTokens['create']>[0]> = {}): Promise<OldToken> {
    const made = await this.tokens.create({ ...ANN, duration: 60, ...token });
    if (!made) throw new Error('redis-tokens 0.0 made no token');
    return made;
  }

  /** Ann's, with custom tokens: one in a quarter of a million random ones begins as generated ones do here, and stays. */
  createMany(count: number): Promise<OldToken[]> {
    return Promise.all(
      Array.from({ length: count }, (_, i) => this.create({ data: { i }, customToken: `old-token-${i}` })),
    );
  }

  keyOf({ app, type, owner, token }: OldToken): string {
    return `app:${app}|type:${type}|owner:${owner}|token:${token}`;
  }

  /** Everything that is in Redis, but for what only says when something was last looked at. */
  async everything(): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    for (const key of (await this.redis.keys('*')).sort()) {
      all[key] =
        `${await this.redis.pexpiretime(key)} ${(await this.redis.dumpBuffer(key))?.toString('base64')}`;
    }
    return all;
  }

  async stop(): Promise<void> {
    await this.redis.quit();
    await this.tokens.client.quit();
    await this.#server.stop();
  }
}
