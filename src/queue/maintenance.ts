/** What no command asks for: ending tokens that have expired, and answering for jobs that died with their worker. */
import { type Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import type { RedisClient } from '../redis/connection.js';
import type { Keys } from '../redis/keys.js';
import type { TokenRepository } from '../tokens/repository.js';
import { type Answers, TOLD } from './answers.js';
import { type LaneQueue, MAINTENANCE } from './lanes.js';
import { openQueue } from './open-queue.js';

/** Milliseconds between two sweeps of a deployment, however many workers it has. */
const SWEEP_INTERVAL = 5_000;

/** Milliseconds between two looks whether there are sweeps, and by which one may be late. */
const TEND_INTERVAL = 15_000;

/** Milliseconds within which whoever saw a job fail tells its results, if it lives. */
const TOLD_BY = 10_000;

/** Milliseconds by which a look at dead letters begins before the last one. */
const LOOKED_AGAIN = 60_000;

/** Dead letters that are looked at in one step. */
const PAGE = 500;

export class Maintenance {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #repository: TokenRepository;
  readonly #answers: Answers;
  readonly #queues: readonly LaneQueue[];
  readonly #closing = new AbortController();
  #tending: NodeJS.Timeout | undefined;
  /** Epoch milliseconds up to which dead letters were looked at. */
  #looked = 0;

  /** @param client stays the caller's to close. */
  constructor(
    client: RedisClient,
    keys: Keys,
    repository: TokenRepository,
    answers: Answers,
    queues: readonly LaneQueue[],
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#repository = repository;
    this.#answers = answers;
    this.#queues = queues;
  }

  /** Has the deployment swept from now on, by whichever of its workers. */
  async plan(): Promise<void> {
    await this.#withQueue(MAINTENANCE, (queue) =>
      queue.upsertJobScheduler('sweep', { every: SWEEP_INTERVAL }, { name: 'sweep' }),
    );
  }

  /** The worker of this process. */
  serve(): Worker {
    clearInterval(this.#tending); // of a start that failed later on
    this.#tending = setInterval(() => this.#tend().catch(() => {}), TEND_INTERVAL).unref(); // or else the next time
    return new Worker(MAINTENANCE, (job) => this.#run(job), {
      connection: this.#client,
      prefix: this.#keys.queues(),
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 }, // the next one does what one left
    });
  }

  /** A sweep that is under way ends after its step. */
  stop(): void {
    clearInterval(this.#tending);
    this.#closing.abort();
  }

  /** Each sweep enqueues the next one: where Redis has lost that, or had no memory for it, there would be none. */
  async #tend(): Promise<void> {
    const scheduler = await this.#withQueue(MAINTENANCE, (queue) => queue.getJobScheduler('sweep'));
    const late = Date.now() - (scheduler?.next ?? 0);
    if (Math.abs(late) < TEND_INTERVAL) return; // far ahead it was planned by a host whose clock is
    await this.#repository.sweep(this.#closing.signal); // which frees memory, and needs none
    await this.#withQueue(MAINTENANCE, (queue) => queue.removeJobScheduler('sweep'));
    await this.plan();
  }

  async #withQueue<T>(place: LaneQueue | typeof MAINTENANCE, use: (queue: Queue) => Promise<T>): Promise<T> {
    const queue = openQueue(place, this.#client, this.#keys);
    try {
      return await use(queue);
    } finally {
      await queue.close();
    }
  }

  async #run({ name }: Job): Promise<void> {
    if (name !== 'sweep') throw new UnrecoverableError('this queue takes no jobs of others');
    await this.#repository.ready();
    await Promise.all([this.#repository.sweep(this.#closing.signal), this.#answerDeadLetters()]);
  }

  async #answerDeadLetters(): Promise<void> {
    const begun = Date.now();
    for (const place of this.#queues) {
      const untold = await this.#untold(place, begun - TOLD_BY);
      if (untold.length > 0) await this.#withQueue(place, (queue) => this.#answer(place, queue, untold));
    }
    this.#looked = begun - LOOKED_AGAIN;
  }

  async #answer({ lane }: LaneQueue, queue: Queue, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (this.#closing.signal.aborted) return;
      const job = await queue.getJob(id).catch(() => undefined); // one that nobody can read
      if (job) await this.#answers.failed(lane, job, new Error(job.failedReason));
    }
  }

  /** Of the jobs that failed since the last look, at first of all, those that nobody has told of. They may be large. */
  async #untold(place: LaneQueue, until: number): Promise<string[]> {
    const failed = this.#keys.failedJobs(place);
    const ids = await this.#client.zrangebyscore(failed, this.#looked, until);
    const untold: string[] = [];
    for (let i = 0; i < ids.length; i += PAGE) {
      const page = ids.slice(i, i + PAGE);
      const facts = await Promise.all(
        page.map((id) => this.#client.hmget(this.#keys.queuedJob(place, id), 'finishedOn', TOLD)),
      );
      untold.push(...page.filter((_, k) => facts[k]?.[0] !== facts[k]?.[1]));
    }
    return untold;
  }
}
