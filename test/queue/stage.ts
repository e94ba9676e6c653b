// A deployment of its own for each test: producers, workers, and plain clients that look at what lies between them.
import { type Job, Queue } from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import {
  TokenProducer,
  type TokenProducerOptions,
  type TokenRepository,
  TokenWorker,
  type TokenWorkerOptions,
} from '../../src/index.js';
import type { Lane } from '../../src/queue/lanes.js';
import type { CommandResult, JobResult } from '../../src/queue/wire.js';
import type { Connection } from '../../src/redis/connection.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { resolveTokenOptions, type TokenOptions } from '../../src/tokens/options.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

export const SCOPE = { app: 'shop', type: 'session' };

type ClientOptions = Pick<
  RedisOptions,
  'lazyConnect' | 'keyPrefix' | 'maxRetriesPerRequest' | 'commandTimeout' | 'connectionName'
>;

export class Stage {
  readonly opened = new Opened();
  url = '';
  prefix = '';
  #redis: Redis | undefined;

  constructor() {
    beforeEach(async () => {
      this.url = (await sharedRedis()).url;
      this.prefix = freshPrefix();
      this.#redis = undefined;
    });
  }

  /** A plain client. */
  get redis(): Redis {
    this.#redis ??= this.client();
    return this.#redis;
  }

  client(options: ClientOptions = {}): Redis {
    const client = openPlain(this.url, { maxRetriesPerRequest: null, ...options });
    client.on('error', () => {});
    return this.opened.later(client, () => client.disconnect());
  }

  producer(options: TokenProducerOptions = {}, connection: Connection = this.url): TokenProducer {
    return this.opened.add(new TokenProducer(connection, { prefix: this.prefix, ...options }));
  }

  /** Not started. */
  worker(options: TokenWorkerOptions = {}): TokenWorker {
    return this.opened.add(new TokenWorker({ connection: this.url, prefix: this.prefix, ...options }));
  }

  async startWorker(options: TokenWorkerOptions = {}): Promise<TokenWorker> {
    const worker = this.worker(options);
    await worker.start();
    return worker;
  }

  repository(options: TokenOptions = {}): RedisTokenRepository {
    const resolved = resolveTokenOptions({ prefix: this.prefix, ...options });
    return this.opened.add(new RedisTokenRepository(new Store(this.url, resolved.timeout), resolved));
  }

  /** A queue as any other BullMQ program opens it. */
  queue(name: Lane | 'maintenance', prefix = this.prefix): Queue {
    const queue = new Queue(name, { connection: this.redis, prefix: `{${prefix}}` });
    queue.on('error', () => {});
    return this.opened.add(queue);
  }

  /** The jobs of a lane that wait, in the order in which they will be taken. */
  waiting(lane: Lane): Promise<Job[]> {
    return this.queue(lane).getJobs(['waiting'], 0, -1, true);
  }

  /** Every message on the channels of results, from now on. */
  async listen(pattern = `${this.prefix}:results:*`): Promise<[channel: string, message: JobResult][]> {
    const heard: [string, JobResult][] = [];
    const listener = this.client();
    listener.on('pmessage', (_, channel, message) => heard.push([channel, JSON.parse(message)]));
    await listener.psubscribe(pattern);
    return heard;
  }

  /** Has a job run and answers what was kept of it. */
  async run(lane: Lane, data: unknown, jobId = 'foreign-job'): Promise<CommandResult[]> {
    const queue = this.queue(lane);
    await queue.add('command', data, { jobId });
    const job = await eventually(`${jobId} is over`, async () => {
      const found = await queue.getJob(jobId);
      return found?.finishedOn ? found : undefined;
    });
    if (!job.returnvalue) throw new Error(job.failedReason);
    return job.returnvalue.results;
  }
}

let last = 0;

/** Microseconds, as a program with a clock of its own stamps a command: strictly rising. */
export function stamp(): number {
  last = Math.max(Date.now() * 1_000, last + 10);
  return last;
}

/** A repository of which some methods are replaced. */
export function replaced(repository: TokenRepository, methods: Partial<TokenRepository>): TokenRepository {
  return new Proxy(repository, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return methods[name as keyof TokenRepository];
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
