// A deployment of one test's own: both doors, a worker, and a client that looks at what they left in Redis.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  generateToken,
  RedisTokens,
  type TokenOperations,
  type TokenOptions,
  TokenProducer,
  TokenSubscriber,
  type TokenSubscriberOptions,
  TokenWorker,
} from '../../src/index.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

export interface Deployment {
  readonly url: string;
  readonly prefix: string;
  /** Looks behind the doors. */
  readonly redis: Redis;
  readonly tokens: RedisTokens;
  readonly producer: TokenProducer;
  /** Both doors by name, for what must hold at each. */
  readonly doors: readonly (readonly [name: string, door: TokenOperations])[];
  /** A subscriber that listens already; closed with the deployment. */
  subscribe(options?: TokenSubscriberOptions): Promise<TokenSubscriber>;
  /** Every event that the log holds, oldest first. */
  events(): Promise<LoggedEvent[]>;
  /** The text of a record as it stands in Redis. */
  rawRecord(id: string): Promise<string | null>;
  close(): Promise<void>;
}

export interface LoggedEvent {
  type: string;
  subject: string;
  data: { app: string; type: string; owner: string; version?: number; reason?: string; commandId?: string };
}

/** @param url default: the shared Redis. */
export async function openDeployment(options: TokenOptions = {}, url?: string): Promise<Deployment> {
  const address = url ?? (await sharedRedis()).url;
  const prefix = freshPrefix();
  const all = { ...options, prefix };
  const redis = new Redis(address, { maxRetriesPerRequest: null, replyMapping: 'legacy' });
  const tokens = new RedisTokens(address, all);
  const producer = new TokenProducer(address, all);
  const worker = new TokenWorker({ connection: address, ...all });
  const subscribers: TokenSubscriber[] = [];
  await Promise.all([tokens.ready(), producer.ready(), worker.start()]);
  // The producer opens its last connection with the first command: the deployment's to close, not a test's.
  await producer.get({ app: 'warm', type: 'up', token: generateToken() });
  return {
    url: address,
    prefix,
    redis,
    tokens,
    producer,
    doors: [
      ['in process', tokens],
      ['over the queue', producer],
    ],
    async subscribe(filter = {}) {
      const subscriber = new TokenSubscriber(address, { ...filter, prefix });
      subscribers.push(subscriber);
      await subscriber.start();
      return subscriber;
    },
    events: () => readLog(redis, prefix),
    rawRecord: (id) => redis.get(`{${prefix}:0}:t:${id}`),
    async close() {
      await Promise.all([
        tokens.close(),
        producer.close(),
        worker.close(),
        ...subscribers.map((one) => one.close()),
      ]);
      const keys = await redis.keys(`{${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      await redis.quit();
    },
  };
}

export async function readLog(redis: Redis, prefix: string): Promise<LoggedEvent[]> {
  const entries = await redis.xrange(`{${prefix}:0}:log`, '-', '+');
  return entries.map(([, [, event]]) => JSON.parse(event as string) as LoggedEvent);
}

/** What a call rejects with; fails where it resolves. */
export async function rejection(call: Promise<unknown> | (() => Promise<unknown>)): Promise<Error> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the call resolved');
}

/** Resolves when the condition holds; fails after five seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came about that ${holds}`);
    await wait(5);
  }
}
