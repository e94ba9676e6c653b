/** Jobs that failed for good: what an operator may look at, run again or drop. */
import type { Job, Queue } from 'bullmq';
import { type Connection, checkConnection } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';
import { RedisTokenRepository } from '../redis/repository.js';
import { Store } from '../redis/store.js';
import { resolveTokenOptions, type TokenOptions } from '../tokens/options.js';
import { asExecutable, resultsOf } from './answers.js';
import { CommandExecutor, executorRules } from './executor.js';
import { LANES, type Lane } from './lanes.js';
import { openQueue } from './open-queue.js';
import type { CommandResult } from './wire.js';

export interface DeadLetter {
  lane: Lane;
  jobId: string;
  /** Epoch milliseconds. */
  enqueuedAt: number;
  failedAt: number;
  attempts: number;
  /** What the last attempt failed with. */
  reason: string;
  /** As it was enqueued, by whomever: nothing of it is checked. */
  data: unknown;
  /** What whoever waits was told; nothing where nobody has told it yet. */
  results: CommandResult[] | undefined;
}

/** Dead letters looked at in one step. */
const PAGE = 100;

export class DeadLetters {
  readonly #store: Store;
  readonly #repository: RedisTokenRepository;
  readonly #executor: CommandExecutor;
  readonly #queues: ReadonlyMap<Lane, Queue>;

  constructor(connection: Connection | undefined, options: TokenOptions) {
    checkConnection(connection);
    const resolved = resolveTokenOptions(options);
    const keys = new Keys(resolved.prefix);
    this.#store = new Store(connection, resolved.timeout, true);
    this.#repository = new RedisTokenRepository(this.#store, resolved);
    this.#executor = new CommandExecutor(this.#repository, executorRules(options));
    this.#queues = new Map(LANES.map((lane) => [lane, openQueue(lane, this.#store.client, keys)]));
  }

  /** @throws {StoreUnavailableError} {ConfigError} */
  ready(): Promise<void> {
    return this.#repository.ready();
  }

  async count(lane: Lane): Promise<number> {
    return this.#store.read(() => this.#queue(lane).getFailedCount());
  }

  /** The newest first. They are read in steps. */
  async *of(lane: Lane): AsyncGenerator<DeadLetter> {
    const seen = new Set<string>();
    for (let start = 0; ; ) {
      const jobs = await this.#store.read(() => this.#queue(lane).getFailed(start, start + PAGE - 1));
      if (jobs.length === 0) return;
      for (const job of jobs) {
        // What has failed meanwhile moves those before it into this page.
        if (seen.has(job.id as string)) continue;
        seen.add(job.id as string);
        yield toLetter(lane, job);
      }
      start += jobs.length;
    }
  }

  async find(lane: Lane, jobId: string): Promise<DeadLetter | undefined> {
    const job = await this.#failed(lane, jobId);
    return job && toLetter(lane, job);
  }

  /**
   * Has a dead letter run again. What was applied stays applied; what is older than `maxCommandAge` and no revocation is
   * refused as expired. False where it is no dead letter any more.
   * @throws {ValidationError} where no worker can read it.
   */
  async retry(lane: Lane, jobId: string): Promise<boolean> {
    const job = await this.#failed(lane, jobId);
    if (!job) return false;
    await this.#executor.takeUp(asExecutable(lane, job));
    await this.#store.read(() => job.updateProgress(0)); // what was told counts no longer
    const afresh = { resetAttemptsMade: true, resetAttemptsStarted: true };
    return this.#unlessTaken(job, () => job.retry('failed', afresh));
  }

  /** Forgets a dead letter: what of it was given up stays so. False where it is none any more. */
  async drop(lane: Lane, jobId: string): Promise<boolean> {
    const job = await this.#failed(lane, jobId);
    return job ? this.#unlessTaken(job, () => job.remove()) : false;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#repository.close();
  }

  async #failed(lane: Lane, jobId: string): Promise<Job | undefined> {
    const job = await this.#store.read(() => this.#queue(lane).getJob(jobId));
    return job && (await this.#store.read(() => job.isFailed())) ? job : undefined;
  }

  /** False where another operator was quicker. */
  #unlessTaken(job: Job, act: () => Promise<unknown>): Promise<boolean> {
    return this.#store.read(async () => {
      try {
        await act();
        return true;
      } catch (error) {
        if (await job.isFailed()) throw error;
        return false;
      }
    });
  }

  #queue(lane: Lane): Queue {
    return this.#queues.get(lane) as Queue;
  }
}

const toLetter = (lane: Lane, job: Job): DeadLetter => ({
  lane,
  jobId: job.id as string,
  enqueuedAt: job.timestamp,
  failedAt: job.finishedOn ?? 0,
  attempts: job.attemptsMade,
  reason: job.failedReason,
  data: job.data,
  results: resultsOf(job),
});
