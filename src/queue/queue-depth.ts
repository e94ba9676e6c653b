/** How many jobs wait in the lane of commands: asked now and then, so that no command costs a round trip for it. */
import { performance } from 'node:perf_hooks';
import type { Keys } from '../redis/keys.js';
import type { Store } from '../redis/store.js';
import { QueueFullError } from '../tokens/errors.js';
import { type LaneQueue, queuesOf } from './lanes.js';

/** The lane whose depth may be limited: no revocation is ever refused. */
export const LIMITED = 'commands';

/** Milliseconds for which an answer holds: while there is room, and while there is none, which may end at any time. */
const HOLDS = 250;
const HOLDS_WHILE_FULL = 25;

export class QueueDepth {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #places: readonly LaneQueue[];
  readonly #limit: number;
  /** As Redis answered, and when it was asked. */
  #known = 0;
  #asked = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  /** Jobs of this process that the answer can not hold: on their way when it was asked for, or begun since. */
  #since = 0;
  #onTheirWay = 0;

  constructor(store: Store, keys: Keys, partitions: number, limit: number) {
    this.#store = store;
    this.#keys = keys;
    this.#places = queuesOf(partitions, [LIMITED]);
    this.#limit = limit;
  }

  /**
   * Lets a command pass that finds room: at once, or once Redis was asked where that was long ago.
   * @param rides whether it goes with others, in a job that was begun.
   * @param pass begins its job before it returns, so that the next in line counts that.
   * @throws {QueueFullError} {StoreUnavailableError} where Redis can not be asked.
   */
  async admit<T>(rides: () => boolean, pass: () => Promise<T>): Promise<T> {
    const holds = this.#isFull ? HOLDS_WHILE_FULL : HOLDS;
    if (performance.now() - this.#asked >= holds) await this.#ask();
    if (this.#isFull && !rides()) throw new QueueFullError(LIMITED, this.#depth, this.#limit);
    return pass();
  }

  /** A job is to be added: it counts from now on. */
  begin(): void {
    this.#since++;
    this.#onTheirWay++;
  }

  /** It was added, or was not: what Redis answers next tells. */
  end(): void {
    this.#onTheirWay--;
  }

  get #depth(): number {
    return this.#known + this.#since;
  }

  get #isFull(): boolean {
    return this.#depth >= this.#limit;
  }

  /** Once for all who ask meanwhile. */
  #ask(): Promise<void> {
    this.#asking ??= this.#read().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #read(): Promise<void> {
    const asked = performance.now();
    const before = this.#since - this.#onTheirWay;
    const depths = await Promise.all(this.#places.map((place) => this.#depthOf(place)));
    this.#known = depths.reduce((sum, depth) => sum + depth, 0);
    this.#since -= before;
    this.#asked = asked;
  }

  async #depthOf(place: LaneQueue): Promise<number> {
    const { lists, sets } = this.#keys.waitingJobs(place);
    const depths = await this.#store.read((client) =>
      Promise.all([...lists.map((key) => client.llen(key)), ...sets.map((key) => client.zcard(key))]),
    );
    return depths.reduce((sum, depth) => sum + depth, 0);
  }
}
