/** TokenWorker: takes jobs off the queues, has their commands run, and publishes what came of them. */
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { typedEmitter } from '../events/typed-emitter.js';
import {
  type Connection,
  checkConnection,
  closeClient,
  isUsable,
  LASTING_CLIENT,
  openClient,
  type RedisClient,
} from '../redis/connection.js';
import { Keys } from '../redis/keys.js';
import { RedisTokenRepository } from '../redis/repository.js';
import { Store } from '../redis/store.js';
import { ClosedError, toWireError, ValidationError } from '../tokens/errors.js';
import {
  checkOptions,
  isMilliseconds,
  type OptionRule,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import type { TokenRepository } from '../tokens/repository.js';
import { CommandExecutor, type ExecutorRules } from './executor.js';
import { LANES, type Lane } from './lanes.js';
import { openQueue } from './open-queue.js';
import { addressesOf, failed, type JobResult } from './wire.js';

export interface TokenWorkerOptions extends TokenOptions {
  /** Where the queues are. Default `redis://localhost:6379`. */
  connection?: Connection | undefined;
  /** Where commands are run. Default: the repository on `connection`. One that is given is not closed. */
  repository?: TokenRepository | undefined;
  /** How a job's commands are run. Default: against the repository. */
  executor?: Pick<CommandExecutor, 'execute'> | undefined;
  /** Jobs run at a time on each lane; on that of revocations at least 4. Default 32. */
  concurrency?: number | undefined;
  /** Milliseconds that `close` waits for jobs under way. Default 10,000. */
  closeTimeout?: number | undefined;
}

/** What the worker tells, to whoever listens. */
export type TokenWorkerEvents = {
  /** Something failed that no caller hears of; the worker goes on. */
  error: [error: Error];
  /** A job is done, and its results are published. */
  completed: [job: { lane: Lane; id: string }];
  /** A job failed for good, and stays as a dead letter. */
  failed: [job: { lane: Lane; id: string }, error: Error];
};

/** Milliseconds for which an attempt may change something; an attempt begins by holding its job for as long. */
const JOB_LEASE = 30_000;

/** Deaths of workers that a job survives: kills alone never fail one. */
const MAX_STALLED = 20;

/** Seconds and number of jobs for which results are kept. */
const RESULTS_KEPT = { age: 3_600, count: 100_000 };

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
};

/** What of a worker's options decides about the jobs that it takes. */
export function executorRules(options: TokenOptions): ExecutorRules {
  const { prefix, maxDataBytes } = resolveTokenOptions(options);
  return { resultsPrefix: new Keys(prefix).results(''), maxDataBytes };
}

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
  readonly #executor: Pick<CommandExecutor, 'execute'>;
  readonly #workers: Worker[] = [];
  /** Jobs under way. */
  #running = 0;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {ConfigError} for a connection or an option that can not work. */
  constructor(options: TokenWorkerOptions = {}) {
    super();
    checkOptions('TokenWorker', options, RULES);
    checkConnection(options.connection);
    const resolved = resolveTokenOptions(options);
    this.#options = options;
    this.#keys = new Keys(resolved.prefix);
    this.#repository =
      options.repository ??
      new RedisTokenRepository(new Store(options.connection, resolved.timeout), resolved);
    this.#executor = options.executor ?? new CommandExecutor(this.#repository, executorRules(options));
    this.#client = openClient(options.connection, LASTING_CLIENT);
  }

  /** Resolves once both lanes are served. @throws {StoreUnavailableError} {ConfigError} */
  start(): Promise<void> {
    if (this.#closing) return Promise.reject(new ClosedError('TokenWorker'));
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      for (const worker of this.#workers.splice(0)) await worker.close(true);
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Takes no further job, waits `closeTimeout` for those under way, and ends what was opened here. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    await this.#repository.ready();
    await this.#openQueues();
    if (this.#closing) throw new ClosedError('TokenWorker');
    for (const lane of LANES) this.#workers.push(this.#serve(lane));
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  async #openQueues(): Promise<void> {
    for (const lane of LANES) {
      const queue = openQueue(lane, this.#client, this.#keys);
      await queue.waitUntilReady();
      await queue.close();
    }
  }

  #serve(lane: Lane): Worker {
    const { concurrency = 32 } = this.#options;
    const worker = new Worker(lane, (job, token) => this.#process(lane, job, token), {
      connection: this.#client,
      prefix: this.#keys.queues,
      concurrency: lane === 'revocations' ? Math.max(4, concurrency) : concurrency,
      lockDuration: JOB_LEASE,
      maxStalledCount: MAX_STALLED,
      removeOnComplete: RESULTS_KEPT,
    });
    worker.on('error', (error) => this.#tell(error));
    worker.on('completed', (job, result: JobResult) => {
      this.#finish(
        this.#publish(job.data, result).then(() => this.emit('completed', { lane, id: result.jobId })),
      );
    });
    worker.on('failed', (job, error) => {
      if (job?.finishedOn) this.#finish(this.#fail(lane, job, error));
    });
    return worker;
  }

  async #process(lane: Lane, job: Job, token: string | undefined): Promise<JobResult> {
    const id = job.id as string;
    this.#running++;
    const hold = async () => {
      const held = await job.extendLock(token as string, JOB_LEASE);
      if (!held) throw new Error(`job ${id} was given to another worker meanwhile`);
    };
    try {
      return {
        v: 1,
        jobId: id,
        results: await this.#executor.execute({ lane, id, data: job.data }, JOB_LEASE, hold),
      };
    } catch (error) {
      if (error instanceof ValidationError) throw new UnrecoverableError(error.message);
      throw error;
    } finally {
      this.#running--;
    }
  }

  /** Tells whoever waits that the job failed for good. */
  async #fail(lane: Lane, job: Job, error: Error): Promise<void> {
    const id = job.id as string;
    const { commands } = addressesOf(job.data, this.#keys.results(''));
    const wireError = { ...toWireError(error), code: 'COMMAND_FAILED' } as const;
    const results = commands.map(({ commandId, op }) => failed(commandId, op, wireError));
    await this.#publish(job.data, { v: 1, jobId: id, results });
    this.emit('failed', { lane, id }, error);
  }

  /** Best effort: who hears nothing reads the job. */
  async #publish(data: unknown, result: JobResult): Promise<void> {
    const { replyTo } = addressesOf(data, this.#keys.results(''));
    if (replyTo === null) return;
    await this.#client.publish(replyTo, JSON.stringify(result)).catch((error: Error) => this.#tell(error));
  }

  /** What follows a job is nobody's to wait for. */
  #finish(work: Promise<unknown>): void {
    work.catch((error: Error) => this.#tell(error));
  }

  #tell(error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => {});
    const { closeTimeout = 10_000 } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeTimeout);
    });
    // Idle, and Redis gone: there is nothing to wait for, and nobody to say goodbye to.
    const force = this.#running === 0 && !isUsable(this.#client);
    await Promise.race([Promise.all(this.#workers.map((worker) => worker.close(force))), late]);
    clearTimeout(timer);
    await closeClient(this.#client);
    if (!this.#options.repository) await this.#repository.close();
  }
}
