/** Hears of every key that changes, by Redis' client tracking, and knows whether it hears. */
import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import type { ConfigError } from '../../tokens/errors.js';
import { type Connection, closeClient, wake } from '../connection.js';
import { keepAsking } from '../listener.js';
import type { Store } from '../store.js';
import {
  Outcomes,
  openTracker,
  PING_DEADLINE,
  PING_INTERVAL,
  RETRY,
  track,
  trackingRefusal,
} from '../tracking.js';

export interface InvalidationListener {
  /** Something happened to a key. */
  invalidated(key: string): void;
  /** Something may have happened to any key, or may happen unheard from now on. */
  lost(): void;
}

export class Invalidations {
  readonly #client: Redis;
  readonly #prefixes: readonly string[];
  readonly #store: Store;
  readonly #timeout: number;
  readonly #onLost = () => this.#lose();
  readonly #onReady = () => this.#restart();
  #listener: InvalidationListener | undefined;
  #ping: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #hears = false;
  /** When that was asked which was answered last. */
  #heardAt = 0;
  /** Counts what makes earlier confirmations void. */
  #era = 0;
  #closed = false;
  #begun = false;
  #refusal: ConfigError | undefined;
  readonly #outcomes = new Outcomes();

  /**
   * @param connection one of our own is opened, also where the caller gave a client.
   * @param prefixes what the keys begin with.
   * @param store what the keys are read from. Where that is lost, or leads to another server, what is heard is of no use.
   * @param timeout milliseconds.
   */
  constructor(
    connection: Connection | undefined,
    prefixes: readonly string[],
    store: Store,
    timeout: number,
  ) {
    this.#prefixes = prefixes;
    this.#store = store;
    this.#timeout = timeout;
    store.client.on('close', this.#onLost).on('ready', this.#onReady);
    this.#client = openTracker(connection);
    this.#client.on('ready', () => this.#listen());
    this.#client.on('close', this.#onLost);
    this.#client.on('message', (_channel: string, keys: string) => this.#hear(keys));
  }

  /**
   * Whether every invalidation is heard that is older than some seconds: also where the connection lags, the process has
   * slept, or it lets its event loop take nothing in.
   * @param now by the monotonic clock.
   */
  hears(now: number): boolean {
    return this.#hears && now - this.#heardAt < PING_INTERVAL + PING_DEADLINE;
  }

  /** Whether Redis has been asked to tell, and has not refused to from the beginning. */
  get begun(): boolean {
    return this.#begun;
  }

  set listener(listener: InvalidationListener) {
    this.#listener = listener;
  }

  /**
   * Resolves once invalidations are heard, or where the connection fails or takes longer: it is tried on all the same.
   * @throws {ConfigError} where Redis refuses to tell.
   */
  async begin(): Promise<void> {
    if (this.#closed) return;
    wake(this.#client);
    this.#ping ??= keepAsking(this.#client, PING_INTERVAL, PING_DEADLINE, (sent) => {
      this.#heardAt = sent;
    });
    if (!this.#begun && !this.#refusal) await this.#outcomes.next(this.#timeout);
    if (this.#refusal && !this.#begun) throw this.#refusal;
    this.#begun = true;
  }

  /** Resolves when all that was sent before has been heard. */
  async settled(): Promise<void> {
    await this.#client.ping();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#store.client.off('close', this.#onLost).off('ready', this.#onReady);
    clearInterval(this.#ping);
    this.#lose();
    await closeClient(this.#client);
  }

  #hear(keys: string): void {
    const flushed = keys === ''; // FLUSHALL, FLUSHDB
    if (flushed) this.#listener?.lost();
    else for (const key of keys.split(',')) this.#listener?.invalidated(key);
  }

  #lose(): void {
    this.#era++;
    this.#hears = false;
    clearTimeout(this.#retry);
    this.#listener?.lost();
    this.#outcomes.tell();
  }

  /** The keys are read on a new connection: which server that leads to is to be seen. */
  #restart(): void {
    this.#lose();
    if (this.#client.status === 'ready') this.#client.disconnect(true);
  }

  #listen(): void {
    const era = this.#era;
    const begun = performance.now();
    this.#track().then(
      (sameServer) => {
        if (era !== this.#era || this.#closed) return;
        if (!sameServer) return this.#later(() => this.#restart());
        this.#hears = true;
        this.#heardAt = begun;
        this.#refusal = undefined;
        this.#begun = true;
        this.#outcomes.tell();
      },
      (error: unknown) => {
        if (era !== this.#era || this.#closed) return;
        this.#refusal = trackingRefusal(error, 'cache');
        this.#later(() => this.#listen());
        this.#outcomes.tell();
      },
    );
  }

  #later(again: () => void): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(again, RETRY);
  }

  /** Answers whether it is the server that the keys are read from: where the two can not be told, it is. */
  async #track(): Promise<boolean> {
    const client = this.#client;
    const [own, other] = await Promise.all([
      serverId(client.info('server')),
      serverId(this.#store.read((reader) => reader.info('server'))),
    ]);
    if (own !== undefined && other !== undefined && own !== other) return false;
    await track(client, this.#prefixes);
    return true;
  }
}

/** Which server it is, by its answer to `INFO`; `undefined` where it does not tell. */
async function serverId(info: Promise<string>): Promise<string | undefined> {
  try {
    return /^run_id:(\w+)/m.exec(await info)?.[1];
  } catch (error) {
    if (error instanceof Error && /NOPERM/.test(error.message)) return undefined;
    throw error;
  }
}
