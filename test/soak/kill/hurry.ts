// Brings on what half a minute of waiting would: the holds of dead workers end, and their jobs are run by others.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Keys } from '../../../src/redis/keys.js';
import { bull, QUEUES } from './stored.js';
import type { UnderWay } from './under-way.js';

/** For how long a worker holds a job that it does not tell of again, in ms. */
const LEASE = 30_000;

/** No worker that runs is silent about a job of these for so long, in ms. */
const SILENT = 2_000;

export class Hurry {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #underWay: UnderWay;
  /** They run no job, but look for those whose worker is dead. */
  readonly #finders: readonly Worker[];
  #isOver = false;
  #ending: Promise<void> | undefined;

  constructor(redis: Redis, prefix: string, underWay: UnderWay) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#underWay = underWay;
    this.#finders = QUEUES.map(
      ({ lane, partition }) =>
        new Worker(lane, null, {
          connection: redis,
          prefix: new Keys(prefix).queues(partition),
          autorun: false,
          stalledInterval: 100,
          maxStalledCount: 20,
        }),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.#finders.map((finder) => finder.startStalledCheckTimer()));
    this.#ending = this.#endHolds();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#ending;
    await Promise.all(this.#finders.map((finder) => finder.close()));
  }

  async #endHolds(): Promise<void> {
    while (!this.#isOver) {
      for (const { queue, id } of await this.#underWay.held()) {
        const lock = bull(this.#prefix, queue, `${id}:lock`);
        const left = await this.#redis.pttl(lock);
        if (left >= 0 && left < LEASE - SILENT) await this.#redis.del(lock);
      }
      // Each look keeps others from looking for as long as it takes until the worker's next.
      for (const queue of QUEUES) await this.#redis.del(bull(this.#prefix, queue, 'stalled-check'));
      await wait(50);
    }
  }
}
