/** The queues of a deployment that stands, for whoever looks after them: none is founded here, and no setting written. */
import type { Queue } from 'bullmq';
import { checkConnection } from '../redis/check-connection.js';
import { type Connection, defaultSpread, wake } from '../redis/connection.js';
import { Deployment } from '../redis/deployment.js';
import { Keys } from '../redis/keys.js';
import { Store } from '../redis/store.js';
import {
  checkOptions,
  type ResolvedTokenOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import { type Lane, type LaneQueue, nameOf, queuesOf } from './lanes.js';
import { openQueue } from './open-queue.js';

export class StandingQueues {
  readonly options: ResolvedTokenOptions;
  readonly keys: Keys;
  readonly store: Store;
  readonly #deployment: Deployment;
  /** All of them. */
  readonly places: readonly LaneQueue[];
  readonly #queues: ReadonlyMap<string, Queue>;

  /** @param name of whoever looks after them, for what is wrong with the options. */
  constructor(name: string, connection: Connection | undefined, options: TokenOptions) {
    checkOptions(name, options, TOKEN_OPTION_RULES);
    checkConnection(connection);
    this.options = resolveTokenOptions(options, defaultSpread(connection));
    this.keys = new Keys(this.options.prefix);
    this.store = new Store(connection, this.options.timeout, true);
    this.#deployment = new Deployment(this.store, this.keys, this.options);
    wake(this.store.client); // a queue that finds it asleep gives up for good where the first attempt fails
    this.places = queuesOf(this.options.partitions as number);
    this.#queues = new Map(
      this.places.map((place) => [nameOf(place), openQueue(place, this.store.client, this.keys, true)]),
    );
  }

  at(place: LaneQueue): Queue {
    return this.#queues.get(nameOf(place)) as Queue;
  }

  of(lane: Lane): LaneQueue[] {
    return this.places.filter((place) => place.lane === lane);
  }

  /**
   * Whether the tokens are here, too: a worker whose repository is elsewhere serves queues all the same.
   * @throws {StoreUnavailableError} {ConfigError} also where there is no deployment.
   */
  async find(): Promise<boolean> {
    const { type, missing } = await this.#deployment.standing();
    if (missing.length === 0) return true;
    const queues = this.places.filter(({ partition }) => partition === 0); // whoever has one has all
    const metas = queues.map((place) => this.keys.queueMeta(place));
    if ((await this.store.read((client) => client.exists(metas))) > 0) return false;
    throw this.#deployment.absence(type);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    this.#deployment.leave();
    await this.store.close();
  }
}
