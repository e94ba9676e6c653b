/** Reads results from where the worker keeps them: from the jobs themselves. */
import type { Keys } from '../redis/keys.js';
import type { Store } from '../redis/store.js';
import type { WireError } from '../tokens/errors.js';
import { resultsOf } from './answers.js';
import type { CommandQueues } from './command-queues.js';
import { type Lane, laneOf } from './lanes.js';
import type { ReceiptData } from './receipt.js';
import type { CommandResult } from './wire.js';

/** What came of the commands of a job, and what is said of one that is not among them. */
interface Kept {
  results: readonly CommandResult[];
  failure: WireError;
}

export class KeptResults {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #queues: Pick<CommandQueues, 'job' | 'placeOf'>;
  /** Looks under way: all who wait for something of a job share one. */
  readonly #looks = new Map<string, Promise<Kept | undefined>>();

  constructor(store: Store, keys: Keys, queues: Pick<CommandQueues, 'job' | 'placeOf'>) {
    this.#store = store;
    this.#keys = keys;
    this.#queues = queues;
  }

  /** What is kept of a command's result; `undefined` where there is none yet. */
  async read({ operation, jobId, commandId }: ReceiptData): Promise<CommandResult | undefined> {
    const kept = await this.#shared(laneOf(operation), jobId);
    if (!kept) return undefined;
    const found = kept.results.find((result) => result.commandId === commandId && result.op === operation);
    if (found) return found;
    return { commandId, op: operation, status: 'failed', error: kept.failure };
  }

  #shared(lane: Lane, jobId: string): Promise<Kept | undefined> {
    const key = this.#keys.queuedJob(this.#queues.placeOf(lane, jobId), jobId);
    let look = this.#looks.get(key);
    if (!look) {
      look = this.#look(key, lane, jobId).finally(() => this.#looks.delete(key));
      this.#looks.set(key, look);
    }
    return look;
  }

  /** A job is as large as its commands: it is read once it is over. */
  async #look(key: string, lane: Lane, jobId: string): Promise<Kept | undefined> {
    const [enqueued, finishedOn] = await this.#store.read((client) =>
      client.hmget(key, 'timestamp', 'finishedOn'),
    );
    if (enqueued !== null && !finishedOn) return undefined;
    const job = await this.#queues.job(lane, jobId);
    if (!job) return { results: [], failure: gone(jobId) };
    const results = job.finishedOn ? resultsOf(job) : undefined;
    const message = job.failedReason || `job ${jobId} holds no such command`;
    return results && { results, failure: { code: 'COMMAND_FAILED', message } };
  }
}

/** It may have run before it went. */
const gone = (jobId: string): WireError => ({
  code: 'STORE_UNAVAILABLE',
  message: `job ${jobId} is gone: its result is no longer kept, or another server has taken over that had not got it`,
  details: { outcome: 'unknown' },
});
