/** What follows when a job is over: whoever waits is told, and what was kept for another attempt is let go. */
import type { Job } from 'bullmq';
import type { RedisClient } from '../redis/connection.js';
import type { Keys } from '../redis/keys.js';
import type { CommandExecutor, ExecutableJob } from './executor.js';
import { type Lane, nameOf } from './lanes.js';
import { addressesOf, type JobResult } from './wire.js';

/** Milliseconds for which an attempt may change something; an attempt begins by holding its job for as long. */
export const JOB_LEASE = 30_000;

/** The field of a job that says which of its failures was told: that of this `finishedOn`. */
export const TOLD = 'told';

/** What a job that failed keeps as its progress, since it has nothing returned. */
interface ToldFailure extends JobResult {
  finishedOn: number | undefined;
}

export class Answers {
  readonly #executor: CommandExecutor;
  readonly #client: RedisClient;
  readonly #keys: Keys;

  /** @param client publishes results; it stays the caller's to close. */
  constructor(executor: CommandExecutor, client: RedisClient, keys: Keys) {
    this.#executor = executor;
    this.#client = client;
    this.#keys = keys;
  }

  /** Of a job that was acknowledged. */
  async completed(lane: Lane, job: Job, result: JobResult): Promise<void> {
    const released = this.#executor.release(asExecutable(lane, job), 2 * JOB_LEASE);
    await Promise.all([released, this.#publish(job.data, result)]);
  }

  /** Of a job that BullMQ has put among the failed: it is not run again unless an operator says so. */
  async failed(lane: Lane, job: Job, cause: Error): Promise<void> {
    if (await this.#isTaken(job)) return;
    const results = await this.#executor.giveUp(asExecutable(lane, job), JOB_LEASE, cause);
    if (await this.#isTaken(job)) return; // meanwhile
    const result: JobResult = { v: 1, jobId: job.id as string, results };
    await Promise.all([this.#publish(job.data, result), this.#keep(job, result)]);
  }

  /** Unless whoever enqueued the job had it removed. */
  async #keep(job: Job, result: JobResult): Promise<void> {
    const { finishedOn } = job;
    const key = keyOf(job);
    try {
      await job.updateProgress({ ...result, finishedOn } satisfies ToldFailure);
      await this.#client.hset(key, TOLD, String(finishedOn));
    } catch (error) {
      if (await this.#client.exists(key)) throw error;
    }
  }

  /** Whether an operator has had it run again since: what comes of that is told then. */
  async #isTaken(job: Job): Promise<boolean> {
    const key = keyOf(job);
    const [enqueued, finishedOn] = await this.#client.hmget(key, 'timestamp', 'finishedOn');
    return enqueued !== null && finishedOn !== String(job.finishedOn);
  }

  /** Best effort: who hears nothing reads the job. */
  async #publish(data: unknown, result: JobResult): Promise<void> {
    const { replyTo } = addressesOf(data, this.#keys.results(''));
    if (replyTo !== null) await this.#client.publish(replyTo, JSON.stringify(result));
  }
}

/** The results that are kept of a job that is over: none yet where nobody has told them. */
export function resultsOf(job: Job): JobResult['results'] | undefined {
  const { results } = (job.returnvalue ?? toldFailure(job) ?? {}) as Partial<JobResult>;
  return Array.isArray(results) ? results : undefined;
}

/** Of this failure, and not of one before an operator had it run again. */
function toldFailure({ progress, finishedOn }: Job): unknown {
  if (typeof progress !== 'object' || progress === null) return undefined;
  return (progress as Partial<ToldFailure>).finishedOn === finishedOn ? progress : undefined;
}

/** In the prefix of a queue: see Keys. */
const PARTITION = /:q(\d+)\}$/;

const keyOf = (job: Job): string => `${job.queueQualifiedName}:${job.id}`;

export const asExecutable = (lane: Lane, job: Job): ExecutableJob => ({
  lane,
  queue: nameOf({ lane, partition: Number(PARTITION.exec(job.prefix)?.[1] ?? 0) }),
  id: job.id as string,
  data: job.data,
  trace: job.opts.telemetry?.metadata,
});
