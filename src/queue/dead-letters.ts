/** Jobs that failed for good: what an operator may look at, run again or drop. */
import type { Job } from 'bullmq';
import type { Connection } from '../redis/connection.js';
import { RedisTokenRepository } from '../redis/repository.js';
import { GivenUpError, ValidationError } from '../tokens/errors.js';
import type { TokenOptions } from '../tokens/options.js';
import { asExecutable, resultsOf } from './answers.js';
import { CommandExecutor, executorRules } from './executor.js';
import type { Lane, LaneQueue } from './lanes.js';
import { StandingQueues } from './standing-queues.js';
import type { CommandResult } from './wire.js';

export interface DeadLetter {
  lane: Lane;
  jobId: string;
  /** Epoch milliseconds. */
  enqueuedAt: number;
  failedAt: number;
  attempts: number;
  /** What the last attempt failed with; where nothing was left to attempt, what those before it failed with too. */
  reason: string;
  /** As it was enqueued, by whomever: nothing of it is checked. */
  data: unknown;
  /** What whoever waits was told; nothing where nobody has told it yet. */
  results: CommandResult[] | undefined;
}

/** A job that somebody has written past BullMQ. */
const UNREADABLE = 'unreadable';

/** All that can be told of such a job. */
const NOTHING_KNOWN = {
  enqueuedAt: 0,
  failedAt: 0,
  attempts: 0,
  reason: 'is no JSON',
  data: undefined,
  results: undefined,
};

/** The field of a job that holds what it failed for before it was run again. */
const REASON = 'failedFor';

/** Of a job whose commands were given up where its worker works, and not taken up again there: it says no more than that. */
const GIVEN_UP = new GivenUpError().message;

/** Dead letters looked at in one step. */
const PAGE = 100;

export class DeadLetters {
  readonly #queues: StandingQueues;
  readonly #repository: RedisTokenRepository;
  readonly #executor: CommandExecutor;

  constructor(connection: Connection | undefined, options: TokenOptions) {
    this.#queues = new StandingQueues('DeadLetters', connection, options);
    this.#repository = new RedisTokenRepository(this.#queues.store, this.#queues.options);
    this.#executor = new CommandExecutor(this.#repository, executorRules(options));
  }

  /** @throws {StoreUnavailableError} {ConfigError} also where there is no deployment: none is founded here. */
  async ready(): Promise<void> {
    if (await this.#queues.find()) await this.#repository.ready();
  }

  async count(lane: Lane): Promise<number> {
    const { store } = this.#queues;
    const counts = this.#queues
      .of(lane)
      .map((place) => store.read(() => this.#queues.at(place).getFailedCount()));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Of each of the lane's queues the newest first. They are read in steps. */
  async *of(lane: Lane): AsyncGenerator<DeadLetter> {
    for (const place of this.#queues.of(lane)) yield* this.#at(place);
  }

  async find(lane: Lane, jobId: string): Promise<DeadLetter | undefined> {
    const place = await this.#placeOf(lane, jobId);
    return place && this.#letter(place, jobId);
  }

  /**
   * Has a dead letter run again. What was applied stays applied; what is older than `maxCommandAge` and no revocation is
   * refused as expired. False where it is no dead letter any more.
   * @throws {ValidationError} where no worker can read it.
   */
  async retry(lane: Lane, jobId: string): Promise<boolean> {
    const place = await this.#placeOf(lane, jobId);
    const job = place && (await this.#read(place, jobId));
    if (!job) return false;
    if (job === UNREADABLE)
      throw new ValidationError('job', [{ field: 'data', problem: NOTHING_KNOWN.reason }]);
    await this.#executor.takeUp(asExecutable(lane, job));
    const key = this.#queues.keys.queuedJob(place, jobId);
    await this.#queues.store.read((client) => client.hdel(key, 'stc')); // deaths of workers count anew, too
    if (job.failedReason !== GIVEN_UP) {
      await this.#queues.store.read((client) => client.hset(key, REASON, job.failedReason));
    }
    const afresh = { resetAttemptsMade: true, resetAttemptsStarted: true };
    return this.#unlessTaken(place, jobId, () => job.retry('failed', afresh));
  }

  /** Forgets a dead letter: what of it was given up stays so. False where it is none any more. */
  async drop(lane: Lane, jobId: string): Promise<boolean> {
    const place = await this.#placeOf(lane, jobId);
    return place !== undefined && this.#unlessTaken(place, jobId, () => this.#queues.at(place).remove(jobId));
  }

  async close(): Promise<void> {
    await this.#queues.close();
    await this.#repository.close();
  }

  async *#at(place: LaneQueue): AsyncGenerator<DeadLetter> {
    const seen = new Set<string>();
    const failed = this.#queues.keys.failedJobs(place);
    for (let start = 0; ; start += PAGE) {
      const ids = await this.#queues.store.read((client) =>
        client.zrevrange(failed, start, start + PAGE - 1),
      );
      if (ids.length === 0) return;
      for (const id of ids) {
        // What has failed meanwhile moves those before it into this page.
        if (seen.has(id)) continue;
        seen.add(id);
        const letter = (await this.#isFailed(place, id)) ? await this.#letter(place, id) : undefined;
        if (letter) yield letter;
      }
    }
  }

  async #letter(place: LaneQueue, jobId: string): Promise<DeadLetter | undefined> {
    const { lane } = place;
    const job = await this.#read(place, jobId);
    if (job === UNREADABLE) return { ...NOTHING_KNOWN, lane, jobId };
    if (job?.failedReason !== GIVEN_UP) return job && toLetter(lane, job);
    const key = this.#queues.keys.queuedJob(place, jobId);
    const before = await this.#queues.store.read((client) => client.hget(key, REASON));
    return toLetter(lane, job, before === null ? GIVEN_UP : `${before} (run again: ${GIVEN_UP})`);
  }

  /** Where it is a dead letter: whoever has enqueued it may have done so on any of the lane's queues. */
  async #placeOf(lane: Lane, jobId: string): Promise<LaneQueue | undefined> {
    const places = this.#queues.of(lane);
    const failed = await Promise.all(places.map((place) => this.#isFailed(place, jobId)));
    return places.find((_, i) => failed[i]);
  }

  #read(place: LaneQueue, jobId: string): Promise<Job | typeof UNREADABLE | undefined> {
    return this.#queues.store.read(() =>
      this.#queues
        .at(place)
        .getJob(jobId)
        .catch((error: unknown) => {
          if (error instanceof SyntaxError) return UNREADABLE;
          throw error;
        }),
    );
  }

  async #isFailed(place: LaneQueue, jobId: string): Promise<boolean> {
    const state = await this.#queues.store.read(() => this.#queues.at(place).getJobState(jobId));
    return state === 'failed';
  }

  /** False where another operator was quicker. */
  #unlessTaken(place: LaneQueue, jobId: string, act: () => Promise<unknown>): Promise<boolean> {
    return this.#queues.store.read(async () => {
      try {
        await act();
        return true;
      } catch (error) {
        if (await this.#isFailed(place, jobId)) throw error;
        return false;
      }
    });
  }
}

const toLetter = (lane: Lane, job: Job, reason = job.failedReason): DeadLetter => ({
  lane,
  jobId: job.id as string,
  enqueuedAt: job.timestamp,
  failedAt: job.finishedOn ?? 0,
  attempts: job.attemptsMade,
  reason,
  data: job.data,
  results: resultsOf(job),
});
