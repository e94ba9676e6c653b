/** What an operator asks of the queues: how they stand, and that they be held for a while. */
import { LANES, type Lane } from './lanes.js';
import type { StandingQueues } from './standing-queues.js';

/** Numbers are of jobs: each carries up to 100 commands. */
export interface LaneState {
  lane: Lane;
  /** Workers take no job of it. */
  paused: boolean;
  /** Workers that are connected to it. */
  workers: number;
  waiting: number;
  active: number;
  /** They failed, and are to be run again. */
  delayed: number;
  /** Dead letters. */
  failed: number;
  /** Milliseconds for which the oldest has waited; absent where none waits. */
  oldest?: number;
}

export class QueueControl {
  readonly #queues: StandingQueues;

  /** @param queues stay the caller's to close. */
  constructor(queues: StandingQueues) {
    this.#queues = queues;
  }

  states(lanes: readonly Lane[] = LANES): Promise<LaneState[]> {
    return Promise.all(lanes.map((lane) => this.#state(lane)));
  }

  /** Workers end the jobs that they have, and take no other until `resume`. Producers go on enqueueing. */
  pause(lane: Lane): Promise<void> {
    return this.#queues.store.read(() => this.#queues.of(lane).pause());
  }

  resume(lane: Lane): Promise<void> {
    return this.#queues.store.read(() => this.#queues.of(lane).resume());
  }

  async #state(lane: Lane): Promise<LaneState> {
    const { store } = this.#queues;
    const queue = this.#queues.of(lane);
    const [paused, counts, workers, oldest] = await Promise.all([
      store.read(() => queue.isPaused()),
      store.read(() => queue.getJobCounts('wait', 'active', 'delayed', 'failed')),
      store.read(() => queue.getWorkersCount()),
      this.#oldest(lane),
    ]);
    const { wait: waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
    const state = { lane, paused, workers, waiting, active, delayed, failed };
    return oldest === undefined ? state : { ...state, oldest };
  }

  /** By the clock of whoever enqueued it. Not by BullMQ, which can not read what others may have written there. */
  async #oldest(lane: Lane): Promise<number | undefined> {
    const { store, keys } = this.#queues;
    const waiting = this.#queues.of(lane).toKey('wait');
    const id = await store.read((client) => client.lindex(waiting, -1));
    if (id === null) return undefined;
    const enqueued = await store.read((client) => client.hget(keys.queuedJob(lane, id), 'timestamp'));
    const [seconds, micros] = await store.read((client) => client.time());
    return Math.max(0, Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - Number(enqueued ?? 0)));
  }
}
