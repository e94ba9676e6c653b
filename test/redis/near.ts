// A RedisTokens with a near cache, on a way that shows whether Redis was asked for a record.
import { Redis } from 'ioredis';
import { RedisTokens, type RedisTokensOptions, type Token } from '../../src/index.js';
import type { Connection } from '../../src/redis/connection.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Way } from '../support/way.js';

export const SCOPE = { app: 'shop', type: 'session' };

/** What only the connection that hears of invalidations sends. */
export const TRACKING = '__redis__:invalidate';

const READ = /^\$(3\r\nget|4\r\nmget)\r\n/im;

export class Near {
  readonly prefix = freshPrefix();
  way!: Way;
  /** With a near cache, over the way. */
  near!: RedisTokens;
  /** Another process' door, without a cache, past the way. */
  other!: RedisTokens;
  redis!: Redis;
  readonly opened = new Opened();
  #reads = '';

  /** Registers the hooks: to be made in the body of a `describe`. */
  constructor(url: () => Promise<string> = async () => (await sharedRedis()).url) {
    beforeEach(async () => {
      const address = await url();
      this.way = this.opened.add(await Way.open(address));
      this.way.onSent = (text) => {
        if (READ.test(text)) this.#reads += text;
      };
      this.redis = new Redis(address, { maxRetriesPerRequest: null });
      this.opened.later(this.redis, () => this.redis.disconnect());
      this.other = this.opened.add(new RedisTokens(address, { prefix: this.prefix }));
      this.near = await this.open();
    });
  }

  /** A door with a near cache that hears already, and that nothing else empties in the time of a test. */
  async open(
    cache: RedisTokensOptions['cache'] = { ttl: 60_000 },
    options: RedisTokensOptions = {},
    connection: Connection = this.way.url,
  ): Promise<RedisTokens> {
    const near = this.opened.add(new RedisTokens(connection, { prefix: this.prefix, ...options, cache }));
    await near.ready();
    return near;
  }

  /** A token that another process made. */
  create(fields: { owner?: string; data?: object; duration?: number } = {}): Promise<Token> {
    return this.other.create({ ...SCOPE, owner: 'ann', duration: 600, ...fields });
  }

  /** A token that another process made, and that the door with the cache keeps: once it has heard of its making. */
  async cached(
    fields: { owner?: string; data?: object; duration?: number } = {},
    door = this.near,
  ): Promise<Token> {
    const made = await this.create(fields);
    await eventually('it is kept', () => this.isNear(made, door));
    return made;
  }

  get({ token }: Token, door = this.near): Promise<Token | undefined> {
    return door.get({ ...SCOPE, token });
  }

  /** Whether a read is answered without asking Redis. */
  async isNear(token: Token, door = this.near): Promise<boolean> {
    this.#reads = '';
    await this.get(token, door);
    return !this.#reads.includes(token.id);
  }

  key({ id }: Token): string {
    return `{${this.prefix}:0}:t:${id}`;
  }
}
