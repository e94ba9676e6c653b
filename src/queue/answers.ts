/** What follows when a job is over: whoever waits is told, and what was kept for another attempt is let go. */
import type { Job } from 'bullmq';
import type { RedisClient } from '../redis/connection.js';
import type { CommandExecutor, ExecutableJob } from './executor.js';
import type { Lane } from './lanes.js';
import { addressesOf, type JobResult } from './wire.js';

/** Milliseconds for which an attempt may change something; an attempt begins by holding its job for as long. */
export const JOB_LEASE = 30_000;

export class Answers {
  readonly #executor: CommandExecutor;
  readonly #client: RedisClient;
  readonly #resultsPrefix: string;

  /** @param client publishes results; it stays the caller's to close. */
  constructor(executor: CommandExecutor, client: RedisClient, resultsPrefix: string) {
    this.#executor = executor;
    this.#client = client;
    this.#resultsPrefix = resultsPrefix;
  }

  /** Of a job that was acknowledged. */
  async completed(lane: Lane, job: Job, result: JobResult): Promise<void> {
    const released = this.#executor.release(asExecutable(lane, job), 2 * JOB_LEASE);
    await Promise.all([released, this.#publish(job.data, result)]);
  }

  /** Of a job that BullMQ has put among the failed: it is not run again unless an operator says so. */
  async failed(lane: Lane, job: Job, cause: Error): Promise<void> {
    const results = await this.#executor.giveUp(asExecutable(lane, job), JOB_LEASE, cause);
    const result: JobResult = { v: 1, jobId: job.id as string, results };
    await job.updateProgress(result); // where a job that failed has nothing returned
    await this.#publish(job.data, result);
  }

  /** Best effort: who hears nothing reads the job. */
  async #publish(data: unknown, result: JobResult): Promise<void> {
    const { replyTo } = addressesOf(data, this.#resultsPrefix);
    if (replyTo !== null) await this.#client.publish(replyTo, JSON.stringify(result));
  }
}

/** The results that are kept of a job that is over: none yet where nobody has told them. */
export function resultsOf(job: Job): JobResult['results'] | undefined {
  // One that failed and was run again keeps the reason: whether it succeeded, only what it returned tells.
  const kept = (job.returnvalue ?? job.progress) as Partial<JobResult> | number | null;
  const results = typeof kept === 'object' ? kept?.results : undefined;
  return Array.isArray(results) ? results : undefined;
}

export const asExecutable = (lane: Lane, job: Job): ExecutableJob => ({
  lane,
  id: job.id as string,
  data: job.data,
});
