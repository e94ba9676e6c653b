/** TokenWorker: takes jobs off the queues, has their commands run, and publishes what came of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { typedEmitter } from '../events/typed-emitter.js';
import { checkConnection } from '../redis/check-connection.js';
import {
  type Connection,
  closeClient,
  defaultSpread,
  isUsable,
  LASTING_CLIENT,
  openClient,
  type RedisClient,
  whenReady,
} from '../redis/connection.js';
import { openRepository } from '../redis/durable-repository.js';
import { toConnectionError, toStoreError } from '../redis/failure.js';
import { Keys } from '../redis/keys.js';
import { ClosedError, GivenUpError, ValidationError } from '../tokens/errors.js';
import {
  checkOptions,
  isMilliseconds,
  type OptionRule,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import type { TokenRepository } from '../tokens/repository.js';
import { isTelemetry } from '../tokens/telemetry.js';
import { Answers, asExecutable, JOB_LEASE } from './answers.js';
import { CommandExecutor, executorRules } from './executor.js';
import { inTime } from './in-time.js';
import { JobsUnderWay } from './jobs-under-way.js';
import { LANES, type Lane, type LaneQueue, queuesOf } from './lanes.js';
import { Maintenance } from './maintenance.js';
import { openQueue } from './open-queue.js';
import type { QueueTelemetry } from './telemetry.js';
import type { JobResult } from './wire.js';

export interface TokenWorkerOptions extends TokenOptions {
  /** Where the queues are. Default `redis://localhost:6379`. */
  connection?: Connection | undefined;
  /** Where commands are run. Default: the repository on `connection`. One that is given is not closed. */
  repository?: TokenRepository | undefined;
  /** How a job's commands are run. Default: against the repository. */
  executor?: CommandExecutor | undefined;
  /** Jobs run at a time on each lane; on that of revocations at least 4. Default 32. */
  concurrency?: number | undefined;
  /** Milliseconds that `close` waits for jobs under way. Default 10,000. */
  closeTimeout?: number | undefined;
  /** Traces jobs and commands: `openTelemetry()` of `redis-tokens/telemetry`. Default: none are. */
  telemetry?: QueueTelemetry | undefined;
}

/** A job, by where it was. */
export interface WorkedJob {
  /** Which queue. */
  lane: Lane;
  /** Of the BullMQ job. */
  id: string;
}

/** What the worker tells, to whoever listens. */
export type TokenWorkerEvents = {
  /** Something failed that no caller hears of; the worker goes on. */
  error: [error: Error];
  /** A job is done, and its results are published. */
  completed: [job: WorkedJob];
  /** A job failed for good, and stays as a dead letter. */
  failed: [job: WorkedJob, error: Error];
};

/**
 * Attempts at a job that does not say how many, and milliseconds before the second: twice as many before each later
 * one, give or take half. Together two to four minutes.
 */
const RETRIES = { attempts: 12, backoff: { type: 'exponential', delay: 100, jitter: 0.5 } } as const;

/** Milliseconds between two looks for jobs whose worker has died: such a job runs again after its lease and two looks. */
const STALLED_INTERVAL = 5_000;

/** Revocations that a queue's worker runs at a time, however little else. */
const REVOCATIONS_AT_LEAST = 4;

/** Deaths of workers that a job survives: kills alone never fail one. */
const MAX_STALLED = 20;

/** Seconds and number of jobs for which results are kept. */
const RESULTS_KEPT = { age: 3_600, count: 100_000 };

/** Dead letters of a queue that wait for an operator: whoever writes what can not be read must not fill Redis with it. */
const DEAD_LETTERS_KEPT = { count: 100_000 };

/**
 * Milliseconds of silence after which a socket on which something waits for an answer is dead, although nothing has
 * closed it: more than the ten seconds for which BullMQ waits for a job. Its looks for stalled jobs are what is
 * answered, or not, where there is nothing else to ask.
 */
const SILENCE = 15_000;

/** Milliseconds within which Redis must have taken back the jobs that were not finished in time. */
const GIVE_BACK_TIMEOUT = 500;

const isConcurrency: OptionRule = (value) =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1_000
    ? undefined
    : 'from 1 to 1,000';

const RULES = {
  ...TOKEN_OPTION_RULES,
  connection: () => undefined,
  repository: () => undefined,
  executor: () => undefined,
  concurrency: isConcurrency,
  closeTimeout: isMilliseconds,
  telemetry: isTelemetry,
};

/**
 * Runs the commands that producers enqueue.
 *
 * @example
 * const worker = new TokenWorker({ connection: 'redis://localhost:6379' });
 * await worker.start();
 */
export class TokenWorker extends typedEmitter<TokenWorkerEvents>() {
  readonly #options: TokenWorkerOptions;
  readonly #keys: Keys;
  readonly #client: RedisClient;
  readonly #repository: TokenRepository;
  readonly #executor: CommandExecutor;
  readonly #answers: Answers;
  readonly #maintenance: Maintenance;
  readonly #queues: readonly LaneQueue[];
  readonly #workers: Worker[] = [];
  /** What follows jobs that are over. */
  readonly #endings = new Set<Promise<unknown>>();
  readonly #timeout: number;
  /** Of this start, and not of one that failed. */
  #jobs = new JobsUnderWay();
  readonly #closed = new AbortController();
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {ConfigError} for a connection or an option that can not work. */
  constructor(options: TokenWorkerOptions = {}) {
    super();
    checkOptions('TokenWorker', options, RULES);
    checkConnection(options.connection);
    const resolved = resolveTokenOptions(options, defaultSpread(options.connection));
    this.#options = options;
    this.#timeout = resolved.timeout;
    this.#keys = new Keys(resolved.prefix);
    this.#repository = options.repository ?? openRepository(options.connection, resolved);
    this.#executor = options.executor ?? new CommandExecutor(this.#repository, executorRules(options));
    this.#client = openClient(options.connection, { ...LASTING_CLIENT, socketTimeout: SILENCE });
    this.#queues = queuesOf(resolved.partitions as number);
    this.#answers = new Answers(this.#executor, this.#client, this.#keys);
    this.#maintenance = new Maintenance(
      this.#client,
      this.#keys,
      this.#repository,
      this.#answers,
      this.#queues,
    );
  }

  /**
   * Resolves once both lanes are served. May be called again where it failed.
   * @throws {StoreUnavailableError} where Redis does not answer within `timeout`. {ConfigError}
   */
  start(): Promise<void> {
    if (this.#closing) return Promise.reject(new ClosedError('TokenWorker'));
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      if (!this.#closed.signal.aborted) await this.#abandon(); // or else `close` ends what has begun
      this.#starting = undefined;
      throw toStoreError(error, 'none', true); // BullMQ's own are none that a caller could tell apart
    });
    return this.#starting;
  }

  /** Whether it takes jobs of both lanes at the moment: it has started, is not closing, and has its connection. */
  get isServing(): boolean {
    if (this.#closing || !isUsable(this.#client)) return false;
    return this.#workers.length > this.#queues.length && this.#workers.every((worker) => worker.isRunning());
  }

  /** Takes no further job, waits `closeTimeout` for those under way, and ends what was opened here. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    const { signal } = this.#closed;
    const bounded = <T>(work: Promise<T>) => inTime(work, signal, this.#timeout);
    await inTime(this.#repository.ready(), signal);
    await whenReady(this.#client, this.#timeout, signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : toConnectionError(error);
    });
    await bounded(this.#openQueues());
    await bounded(this.#maintenance.plan());
    this.#workers.push(...this.#queues.map((place) => this.#serve(place)), this.#maintain());
    await bounded(Promise.all(this.#workers.map((worker) => worker.waitUntilReady())));
  }

  /** Ends what a start that failed has begun, but for the connection. */
  async #abandon(): Promise<void> {
    const workers = this.#workers.splice(0);
    const jobs = this.#jobs;
    this.#jobs = new JobsUnderWay();
    if (workers.length > 0) await atMost(GIVE_BACK_TIMEOUT, jobs.giveBack());
    await Promise.all(workers.map((worker) => worker.close(true)));
  }

  async #openQueues(): Promise<void> {
    for (const place of this.#queues) {
      const queue = openQueue(place, this.#client, this.#keys);
      await queue.waitUntilReady();
      await queue.close();
    }
  }

  #serve({ lane, partition }: LaneQueue): Worker {
    const { telemetry } = this.#options;
    const jobs = this.#jobs;
    const process = (job: Job, token?: string) => jobs.run(job, token, () => this.#execute(lane, job, token));
    const worker = new Worker(lane, process, {
      connection: this.#client,
      prefix: this.#keys.queues(partition),
      concurrency: this.#concurrency(lane),
      lockDuration: JOB_LEASE,
      stalledInterval: STALLED_INTERVAL,
      maxStalledCount: MAX_STALLED,
      removeOnComplete: RESULTS_KEPT,
      removeOnFail: DEAD_LETTERS_KEPT,
      ...(telemetry && { telemetry: telemetry.bullmq }),
    });
    worker.on('error', (error) => this.#tell(error));
    worker.on('completed', (job, result: JobResult) => {
      this.#ends(this.#answers.completed(lane, job, result), () =>
        this.emit('completed', { lane, id: result.jobId }),
      );
    });
    worker.on('failed', (job, error) => {
      if (!job?.finishedOn) return; // it will be run again
      this.#ends(this.#answers.failed(lane, job, error), () =>
        this.emit('failed', { lane, id: job.id as string }, error),
      );
    });
    return worker;
  }

  /** Of one queue: each has its part, so that together the lane's have what was asked for. */
  #concurrency(lane: Lane): number {
    const { concurrency = 32 } = this.#options;
    const part = Math.ceil((LANES.length * concurrency) / this.#queues.length);
    return lane === 'revocations' ? Math.max(REVOCATIONS_AT_LEAST, part) : part;
  }

  #maintain(): Worker {
    const worker = this.#maintenance.serve();
    worker.on('error', (error) => this.#tell(error));
    worker.on('failed', (_, error) => this.#tell(error));
    return worker;
  }

  async #execute(lane: Lane, job: Job, token: string | undefined): Promise<JobResult> {
    const id = job.id as string;
    if (!job.opts.attempts) Object.assign(job.opts, RETRIES); // whoever enqueued it left that to us
    const hold = async () => {
      const held = await job.extendLock(token as string, JOB_LEASE);
      if (!held) throw new Error(`job ${id} was given to another worker meanwhile`);
    };
    try {
      return {
        v: 1,
        jobId: id,
        results: await this.#executor.execute(asExecutable(lane, job), JOB_LEASE, hold),
      };
    } catch (error) {
      // Neither can ever be run.
      if (error instanceof ValidationError || error instanceof GivenUpError) {
        throw new UnrecoverableError(error.message);
      }
      throw error;
    }
  }

  /** What follows a job is nobody's to wait for, but for `close`. */
  #ends(work: Promise<void>, tell: () => void): void {
    const ending = work
      .catch((error: Error) => this.#tell(error))
      .then(tell)
      .finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  #tell(error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  async #close(): Promise<void> {
    this.#closed.abort(new ClosedError('TokenWorker'));
    await this.#starting?.catch(() => {});
    const { closeTimeout = 10_000 } = this.#options;
    // Idle, and Redis gone: there is nothing to wait for, and nobody to say goodbye to.
    const force = this.#jobs.size === 0 && !isUsable(this.#client);
    this.#maintenance.stop();
    const drained = Promise.all(this.#workers.map((worker) => worker.close(force))).then(() =>
      Promise.all([...this.#endings, this.#executor.settled()]),
    );
    if (!(await atMost(closeTimeout, drained))) {
      // Also until the last fetch is answered: a job that came afterwards would be nobody's until its lease is over.
      await atMost(GIVE_BACK_TIMEOUT, Promise.all([this.#jobs.giveBack(), drained]));
      // What waits for a connection that does not come about is not waited for; the rest has ended by now.
      for (const worker of this.#workers)
        worker
          .getBackend()
          .close(true)
          .catch(() => {});
    }
    await closeClient(this.#client);
    if (!this.#options.repository) await this.#repository.close();
  }
}

/** Whether `work` was done in so many milliseconds. */
async function atMost(timeout: number, work: Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController();
  const late = wait(timeout, false, { signal: waiting.signal }).catch(() => false);
  const isDone = await Promise.race([work.then(() => true), late]);
  waiting.abort();
  return isDone;
}
