// A deployment of its own for each test of subscribers: tokens whose life is heard of, and what was heard.
import type { Redis, RedisOptions } from 'ioredis';
import {
  type LostEvents,
  RedisTokens,
  type TokenEvent,
  TokenSubscriber,
  type TokenSubscriberOptions,
} from '../../src/index.js';
import type { Connection } from '../../src/redis/connection.js';
import type { TokenOptions } from '../../src/tokens/options.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

export const SCOPE = { app: 'shop', type: 'session' };

type ClientOptions = Pick<
  RedisOptions,
  'lazyConnect' | 'keyPrefix' | 'maxRetriesPerRequest' | 'commandTimeout' | 'connectionName'
>;

/** What a subscriber told. */
export interface Heard {
  subscriber: TokenSubscriber;
  events: TokenEvent[];
  lost: LostEvents[];
  errors: unknown[];
  /** Owners of the events, in short. */
  owners(): string[];
  /** Resolves once so many events were heard. */
  count(count: number): Promise<TokenEvent[]>;
}

export class Ear {
  readonly opened = new Opened();
  url = '';
  prefix = '';
  #redis: Redis | undefined;
  #tokens: RedisTokens | undefined;

  constructor(urlOf: () => Promise<string> = async () => (await sharedRedis()).url) {
    beforeEach(async () => {
      this.url = await urlOf();
      this.prefix = freshPrefix();
      this.#redis = undefined;
      this.#tokens = undefined;
    });
  }

  get redis(): Redis {
    this.#redis ??= this.client();
    return this.#redis;
  }

  /** In process, on one shard. */
  get tokens(): RedisTokens {
    this.#tokens ??= this.open();
    return this.#tokens;
  }

  client(options: ClientOptions = {}): Redis {
    const client = openPlain(this.url, { maxRetriesPerRequest: null, ...options });
    client.on('error', () => {});
    return this.opened.later(client, () => client.disconnect());
  }

  open(options: TokenOptions = {}): RedisTokens {
    return this.opened.add(new RedisTokens(this.url, { prefix: this.prefix, ...options }));
  }

  create(owner: string, scope: object = {}) {
    return this.tokens.create({ ...SCOPE, owner, duration: 60, ...scope });
  }

  /** Not started, with an ear on all that it tells. */
  subscriber(options: TokenSubscriberOptions = {}, connection: Connection = this.url): Heard {
    const subscriber = this.opened.add(new TokenSubscriber(connection, { prefix: this.prefix, ...options }));
    const heard: Heard = {
      subscriber,
      events: [],
      lost: [],
      errors: [],
      owners: () => heard.events.map(({ data }) => data.owner),
      count: (count) =>
        eventually(`${count} events are heard`, () => heard.events.length >= count && heard.events),
    };
    subscriber.on('event', (event) => void heard.events.push(event));
    subscriber.on('events-lost', (lost) => void heard.lost.push(lost));
    subscriber.on('error', (error) => void heard.errors.push(error));
    return heard;
  }

  async listen(options: TokenSubscriberOptions = {}, connection: Connection = this.url): Promise<Heard> {
    const heard = this.subscriber(options, connection);
    await heard.subscriber.start();
    return heard;
  }

  logKey(shard = 0): string {
    return `{${this.prefix}:${shard}}:log`;
  }
}

/** Ends connections that are subscribed, and the one that reads the log of this prefix, as a fault would. */
export async function cut(redis: Redis, kind: 'pubsub' | 'normal'): Promise<number> {
  return Number(await redis.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes'));
}
