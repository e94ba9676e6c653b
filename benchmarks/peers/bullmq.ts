// BullMQ alone: the queue of a worker that does nothing.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { APP, DURATION, data, ownerOf, TYPE } from '../payload.js';

export const EMPTY_QUEUE = 'empty';

/** Jobs of one call of `addBulk`. */
const BULK = 1_000;

/** What a command of ours carries. */
const payload = (index: number) => ({
  op: 'create',
  app: APP,
  type: TYPE,
  owner: ownerOf(index),
  data,
  duration: DURATION,
});

export class EmptyQueue {
  readonly #client: Redis;
  readonly queue: Queue;

  constructor(url: string) {
    this.#client = new Redis(url, { maxRetriesPerRequest: null });
    this.queue = new Queue(EMPTY_QUEUE, { connection: this.#client });
  }

  async addMany(count: number): Promise<void> {
    for (let from = 0; from < count; from += BULK) {
      const length = Math.min(BULK, count - from);
      await this.queue.addBulk(
        Array.from({ length }, (_, index) => ({ name: 'command', data: payload(from + index) })),
      );
    }
  }

  add(index: number) {
    return this.queue.add('command', payload(index));
  }

  async close(): Promise<void> {
    await this.queue.close();
    this.#client.disconnect();
  }
}
