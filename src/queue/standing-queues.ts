/** The queues of a deployment that stands, for whoever looks after them: none is founded here, and no setting written. */
import type { Queue } from 'bullmq';
import { type Connection, checkConnection, defaultShards, wake } from '../redis/connection.js';
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
import { LANES, type Lane } from './lanes.js';
import { openQueue } from './open-queue.js';

export class StandingQueues {
  readonly options: ResolvedTokenOptions;
  readonly keys: Keys;
  readonly store: Store;
  readonly #deployment: Deployment;
  readonly #queues: ReadonlyMap<Lane, Queue>;

  /** @param name of whoever looks after them, for what is wrong with the options. */
  constructor(name: string, connection: Connection | undefined, options: TokenOptions) {
    checkOptions(name, options, TOKEN_OPTION_RULES);
    checkConnection(connection);
    this.options = resolveTokenOptions(options, defaultShards(connection));
    this.keys = new Keys(this.options.prefix);
    this.store = new Store(connection, this.options.timeout, true);
    this.#deployment = new Deployment(this.store, this.keys, this.options);
    wake(this.store.client); // a queue that finds it asleep gives up for good where the first attempt fails
    this.#queues = new Map(LANES.map((lane) => [lane, openQueue(lane, this.store.client, this.keys, true)]));
  }

  of(lane: Lane): Queue {
    return this.#queues.get(lane) as Queue;
  }

  /**
   * Whether the tokens are here, too: a worker whose repository is elsewhere serves queues all the same.
   * @throws {StoreUnavailableError} {ConfigError} also where there is no deployment.
   */
  async find(): Promise<boolean> {
    const { type, missing } = await this.#deployment.standing();
    if (missing.length === 0) return true;
    const queues = LANES.map((lane) => this.keys.queueMeta(lane));
    if ((await this.store.read((client) => client.exists(queues))) > 0) return false;
    throw this.#deployment.absence(type);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    this.#deployment.leave();
    await this.store.close();
  }
}
