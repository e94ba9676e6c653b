// The jobs that workers hold at a moment, and what of them a stopped worker leaves behind.
import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type LaneQueue, nameOf } from '../../../src/queue/lanes.js';
import { bull, QUEUES, SHARDS } from './stored.js';

/** A job in the hands of a worker. */
export interface HeldJob {
  queue: LaneQueue;
  id: string;
  /** Names the worker's hold on it. */
  lock: string;
}

/** What a stopped process has sent is carried out by then, and what others had under way is over. */
const SETTLED = 1_500; // ms

/** How long jobs are gathered that many are to be under way at once, in ms. */
const CROWD_GATHERS = 300;

export class UnderWay {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async held(): Promise<HeldJob[]> {
    const held: HeldJob[] = [];
    for (const queue of QUEUES) {
      for (const id of await this.#redis.lrange(bull(this.#prefix, queue, 'active'), '0', '-1')) {
        const lock = await this.#redis.get(bull(this.#prefix, queue, `${id}:lock`));
        if (lock !== null) held.push({ queue, id, lock });
      }
    }
    return held;
  }

  /** Resolves once so many jobs wait, or no more come. */
  async crowded(count: number): Promise<void> {
    const deadline = performance.now() + CROWD_GATHERS;
    let waiting = 0;
    do {
      await wait(5);
      const queues = QUEUES.map((queue) => this.#redis.llen(bull(this.#prefix, queue, 'wait')));
      waiting = (await Promise.all(queues)).reduce((sum, length) => sum + length, 0);
    } while (waiting < count && performance.now() < deadline);
  }

  /** Jobs that a worker which was stopped just now still holds. @param before those that others left behind. */
  async leftBehind(before: readonly HeldJob[]): Promise<HeldJob[]> {
    await wait(SETTLED);
    const known = new Set(before.map(({ lock }) => lock));
    return (await this.held()).filter(({ lock }) => !known.has(lock));
  }

  /** Those of which nothing was decided yet: a woken worker would set out to decide it. */
  async undecided(jobs: readonly HeldJob[]): Promise<HeldJob[]> {
    const decisions = await Promise.all(jobs.map((job) => this.#decisions(job)));
    return jobs.filter((_, i) => decisions[i] === 0);
  }

  /** Those of which something was decided, and not acknowledged: whoever runs them again must not decide it anew. */
  async decided(jobs: readonly HeldJob[]): Promise<HeldJob[]> {
    const decisions = await Promise.all(jobs.map((job) => this.#decisions(job)));
    return jobs.filter((_, i) => (decisions[i] ?? 0) > 0);
  }

  /** How many of these jobs are over. */
  async over(jobs: readonly HeldJob[]): Promise<number> {
    let count = 0;
    for (const { queue, id } of jobs) {
      count += await this.#redis.hexists(bull(this.#prefix, queue, id), 'finishedOn');
    }
    return count;
  }

  /** On how many shards something was decided; nothing is for a job that only reads. */
  async #decisions({ queue, id }: HeldJob): Promise<number | undefined> {
    const text = await this.#redis.hget(bull(this.#prefix, queue, id), 'data');
    const { commands } = JSON.parse(text ?? '{"commands":[]}');
    if (!commands.some(({ op }: { op: string }) => op !== 'get')) return undefined;
    const name = `job:${nameOf(queue)}:${id}:${commands[0].issuedAt}`;
    let shards = 0;
    for (let shard = 0; shard < SHARDS; shard++)
      shards += await this.#redis.exists(`{${this.#prefix}:${shard}}:${name}`);
    return shards;
  }
}
