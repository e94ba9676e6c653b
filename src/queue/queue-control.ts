/** What an operator asks of the queues: how they stand, and that they be held for a while. */

import type { Queue } from 'bullmq';
import { LANES, type Lane, type LaneQueue } from './lanes.js';
import type { StandingQueues } from './standing-queues.js';

/** Of all queues of a lane. Numbers are of jobs: each carries up to 100 commands. */
export interface LaneState {
  lane: Lane;
  /** Workers take no job of it. */
  paused: boolean;
  /** Workers that are connected to it, to whichever of its queues has most. */
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
    return this.#each(lane, (queue) => queue.pause());
  }

  resume(lane: Lane): Promise<void> {
    return this.#each(lane, (queue) => queue.resume());
  }

  async #each(lane: Lane, act: (queue: Queue) => Promise<void>): Promise<void> {
    const { store } = this.#queues;
    await Promise.all(this.#queues.of(lane).map((place) => store.read(() => act(this.#queues.at(place)))));
  }

  async #state(lane: Lane): Promise<LaneState> {
    const states = await Promise.all(this.#queues.of(lane).map((place) => this.#stateAt(place)));
    return states.reduce(inAll);
  }

  async #stateAt(place: LaneQueue): Promise<LaneState> {
    const { store } = this.#queues;
    const { lane } = place;
    const queue = this.#queues.at(place);
    const [paused, counts, workers, oldest] = await Promise.all([
      store.read(() => queue.isPaused()),
      store.read(() => queue.getJobCounts('wait', 'active', 'delayed', 'failed')),
      store.read(() => queue.getWorkersCount()),
      this.#oldest(place),
    ]);
    const { wait: waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
    const state = { lane, paused, workers, waiting, active, delayed, failed };
    return oldest === undefined ? state : { ...state, oldest };
  }

  /** By the clock of whoever enqueued it. Not by BullMQ, which can not read what others may have written there. */
  async #oldest(place: LaneQueue): Promise<number | undefined> {
    const { store, keys } = this.#queues;
    const waiting = this.#queues.at(place).toKey('wait');
    const id = await store.read((client) => client.lindex(waiting, -1));
    if (id === null) return undefined;
    const enqueued = await store.read((client) => client.hget(keys.queuedJob(place, id), 'timestamp'));
    const [seconds, micros] = await store.read((client) => client.time());
    return Math.max(0, Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - Number(enqueued ?? 0)));
  }
}

/** Of two queues of a lane together. */
function inAll(one: LaneState, other: LaneState): LaneState {
  const ages = [one.oldest, other.oldest].filter((age) => age !== undefined);
  return {
    lane: one.lane,
    paused: one.paused || other.paused,
    workers: Math.max(one.workers, other.workers),
    waiting: one.waiting + other.waiting,
    active: one.active + other.active,
    delayed: one.delayed + other.delayed,
    failed: one.failed + other.failed,
    ...(ages.length > 0 && { oldest: Math.max(...ages) }),
  };
}
