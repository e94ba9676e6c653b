/** What no command asks for: ending tokens that have expired, and answering for jobs that died with their worker. */
import { type Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import type { RedisClient } from '../redis/connection.js';
import type { Keys } from '../redis/keys.js';
import type { TokenRepository } from '../tokens/repository.js';
import { type Answers, resultsOf } from './answers.js';
import { LANES, MAINTENANCE } from './lanes.js';
import { openQueue } from './open-queue.js';

/** Milliseconds between two sweeps of a deployment, however many workers it has. */
const SWEEP_INTERVAL = 5_000;

/** Milliseconds between two looks whether there are sweeps, and by which one may be late. */
const TEND_INTERVAL = 15_000;

/** Milliseconds within which whoever saw a job fail tells its results, if it lives. */
const TOLD_BY = 10_000;

/** The newest dead letters: among them are those whose results nobody has told. */
const LOOKED_AT = 100;

export class Maintenance {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #repository: TokenRepository;
  readonly #answers: Answers;
  readonly #closing = new AbortController();
  #tending: NodeJS.Timeout | undefined;

  /** @param client stays the caller's to close. */
  constructor(client: RedisClient, keys: Keys, repository: TokenRepository, answers: Answers) {
    this.#client = client;
    this.#keys = keys;
    this.#repository = repository;
    this.#answers = answers;
  }

  /** Has the deployment swept from now on, by whichever of its workers. Answers the one of this process. */
  async start(): Promise<Worker> {
    await this.#plan();
    this.#tending = setInterval(() => this.#tend().catch(() => {}), TEND_INTERVAL).unref(); // or else the next time
    return new Worker(MAINTENANCE, (job) => this.#run(job), {
      connection: this.#client,
      prefix: this.#keys.queues,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 }, // the next one does what one left
    });
  }

  /** A sweep that is under way ends after its step. */
  stop(): void {
    clearInterval(this.#tending);
    this.#closing.abort();
  }

  async #plan(): Promise<void> {
    await this.#withQueue((queue) =>
      queue.upsertJobScheduler('sweep', { every: SWEEP_INTERVAL }, { name: 'sweep' }),
    );
  }

  /** Each sweep enqueues the next one: where Redis has lost that, or had no memory for it, there would be none. */
  async #tend(): Promise<void> {
    const scheduler = await this.#withQueue((queue) => queue.getJobScheduler('sweep'));
    if ((scheduler?.next ?? 0) > Date.now() - TEND_INTERVAL) return;
    await this.#repository.sweep(this.#closing.signal); // which frees memory, and needs none
    await this.#plan();
  }

  async #withQueue<T>(use: (queue: Queue) => Promise<T>): Promise<T> {
    const queue = openQueue(MAINTENANCE, this.#client, this.#keys);
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
    for (const lane of LANES) {
      const queue = openQueue(lane, this.#client, this.#keys);
      for (const job of await queue.getFailed(0, LOOKED_AT - 1)) {
        const isLeft = (job.finishedOn ?? 0) < Date.now() - TOLD_BY && !resultsOf(job);
        if (isLeft && !this.#closing.signal.aborted) {
          await this.#answers.failed(lane, job, new Error(job.failedReason));
        }
      }
      await queue.close();
    }
  }
}
