/** How a deployment stands, its queues and its tokens: what metrics, the console and `redis-tokens stats` show. */
import { type LaneState, QueueControl } from '../queue/queue-control.js';
import { StandingQueues } from '../queue/standing-queues.js';
import type { Connection } from '../redis/connection.js';
import { Statistics, type TokenStatistics } from '../redis/statistics.js';
import type { TokenOptions } from '../tokens/options.js';

export interface Standing {
  /** Epoch milliseconds of this reading. */
  at: number;
  queues: LaneState[];
  tokens: TokenStatistics;
}

/** Milliseconds for which a reading does: whoever asks meanwhile is told the same. */
const FRESH = 4_000;

export class Overview {
  readonly queues: StandingQueues;
  readonly #control: QueueControl;
  readonly #statistics: Statistics;
  #reading: Promise<Standing> | undefined;
  #begun = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection | undefined, options: TokenOptions) {
    this.queues = new StandingQueues('Overview', connection, options);
    this.#control = new QueueControl(this.queues);
    const { store, keys } = this.queues;
    this.#statistics = new Statistics(store, keys, this.queues.options.shards);
  }

  /** Resolves where Redis answers and has this deployment. @throws {StoreUnavailableError} {ConfigError} */
  async ready(): Promise<void> {
    await this.queues.find();
  }

  /**
   * A reading that was begun at most so many milliseconds ago. One that fails is made again.
   * @throws {StoreUnavailableError}
   */
  read(most = FRESH): Promise<Standing> {
    if (this.#reading && performance.now() - this.#begun < most) return this.#reading;
    this.#begun = performance.now();
    const reading = this.#read();
    this.#reading = reading;
    reading.catch(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    return reading;
  }

  close(): Promise<void> {
    return this.queues.close();
  }

  async #read(): Promise<Standing> {
    const [queues, tokens] = await Promise.all([this.#control.states(), this.#statistics.read()]);
    return { at: Date.now(), queues, tokens };
  }
}
