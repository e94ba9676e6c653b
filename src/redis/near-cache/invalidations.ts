/** Hears of every record that changes, by Redis' client tracking, and knows whether it hears. */
import type { Redis } from 'ioredis';
import { CommandFailedError, ConfigError } from '../../tokens/errors.js';
import { type Connection, closeClient, wake } from '../connection.js';
import { toStoreError } from '../failure.js';
import { keepAsking, openListener } from '../listener.js';

/** Where Redis tells of invalidated keys to connections with the protocol of version 2. */
const CHANNEL = '__redis__:invalidate';

/** Milliseconds: between two PINGs, and within which one must be answered. */
const PING_INTERVAL = 1_000;
const PING_DEADLINE = 1_000;

/** Milliseconds until what failed on a connection that stands is tried again. */
const RETRY = 1_000;

export interface InvalidationListener {
  /** Something happened to a key. */
  invalidated(key: string): void;
  /** Something may have happened to any key, or may happen unheard from now on. */
  lost(): void;
}

export class Invalidations {
  readonly #client: Redis;
  readonly #prefixes: readonly string[];
  readonly #readServerId: () => Promise<string | undefined>;
  readonly #listener: InvalidationListener;
  #ping: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #hears = false;
  /** Counts what makes earlier confirmations void. */
  #era = 0;
  #closed = false;
  #begun = false;
  #refusal: ConfigError | undefined;
  readonly #waiting = new Set<() => void>();

  /**
   * @param connection one of our own is opened, also where the caller gave a client: tracking is a setting of a connection.
   * @param prefixes what the keys begin with.
   * @param readServerId tells which server the records are read from: another one's invalidations are of no use.
   */
  constructor(
    connection: Connection | undefined,
    prefixes: readonly string[],
    readServerId: () => Promise<string | undefined>,
    listener: InvalidationListener,
  ) {
    this.#prefixes = prefixes;
    this.#readServerId = readServerId;
    this.#listener = listener;
    // ioredis drops the invalidations of protocol 3. Without an offline queue nothing is sent on a later connection.
    this.#client = openListener(connection, PING_DEADLINE, {
      protocol: 2,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
    }) as Redis;
    this.#client.on('ready', () => this.#listen());
    this.#client.on('close', () => this.#lose());
    this.#client.on('message', (_channel: string, keys: string) => this.#hear(keys));
  }

  /** Whether every invalidation is heard. */
  get hears(): boolean {
    return this.#hears;
  }

  /** Whether Redis has been asked to tell, and has not refused to from the beginning. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Resolves once invalidations are heard, or where the connection fails or takes longer: it is tried on all the same.
   * @throws {ConfigError} where Redis refuses to tell.
   */
  async begin(timeout: number): Promise<void> {
    wake(this.#client);
    this.#ping ??= keepAsking(this.#client, PING_INTERVAL);
    if (!this.#begun && !this.#refusal && !this.#closed) {
      await new Promise<void>((resolve) => {
        const settle = () => {
          clearTimeout(timer);
          this.#waiting.delete(settle);
          resolve();
        };
        const timer = setTimeout(settle, timeout);
        this.#waiting.add(settle);
      });
    }
    if (this.#refusal && !this.#begun) throw this.#refusal;
    this.#begun = true;
  }

  /** The records are read on another connection from now on: which server that leads to is to be seen. */
  restart(): void {
    this.#lose();
    if (this.#client.status === 'ready') this.#client.disconnect(true);
  }

  /** Nothing can be relied on until `restart`. */
  pause(): void {
    this.#lose();
  }

  /** Resolves when all that was sent before has been heard. */
  async settled(): Promise<void> {
    await this.#client.ping();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ping);
    this.#lose();
    await closeClient(this.#client);
  }

  #hear(keys: string): void {
    if (keys === '')
      this.#listener.lost(); // FLUSHALL, FLUSHDB
    else for (const key of keys.split(',')) this.#listener.invalidated(key);
  }

  #lose(): void {
    this.#era++;
    this.#hears = false;
    clearTimeout(this.#retry);
    this.#listener.lost();
    this.#tell();
  }

  #tell(): void {
    for (const settle of [...this.#waiting]) settle();
  }

  #listen(): void {
    const era = this.#era;
    this.#track().then(
      (sameServer) => {
        if (era !== this.#era || this.#closed) return;
        if (!sameServer) return this.#later(() => this.restart());
        this.#hears = true;
        this.#refusal = undefined;
        this.#begun = true;
        this.#tell();
      },
      (error: unknown) => {
        if (era !== this.#era || this.#closed) return;
        this.#refusal = refusalOf(error);
        this.#later(() => this.#listen());
        this.#tell();
      },
    );
  }

  #later(again: () => void): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(again, RETRY);
  }

  /** Answers whether it is the server that the records are read from: where the two can not be told, it is. */
  async #track(): Promise<boolean> {
    const client = this.#client;
    const [own, other] = await Promise.all([serverId(client.info('server')), this.#readServerId()]);
    if (own !== undefined && other !== undefined && own !== other) return false;
    const id = await client.client('ID');
    const prefixes = this.#prefixes.flatMap((prefix) => ['PREFIX', prefix]);
    await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes);
    await client.subscribe(CHANNEL);
    return true;
  }
}

/** What no waiting changes; `undefined` for what may pass. */
function refusalOf(error: unknown): ConfigError | undefined {
  const failure = toStoreError(error, 'none', true);
  if (!(failure instanceof ConfigError || failure instanceof CommandFailedError)) return undefined;
  return new ConfigError(
    `option "cache" needs CLIENT TRACKING and the channel ${CHANNEL}: ${failure.message}`,
    { cause: failure.cause },
  );
}

/** Which server it is, by its answer to `INFO`; `undefined` where it does not tell. */
export async function serverId(info: Promise<string>): Promise<string | undefined> {
  try {
    return /^run_id:(\w+)/m.exec(await info)?.[1];
  } catch (error) {
    if (error instanceof Error && /NOPERM/.test(error.message)) return undefined;
    throw error;
  }
}
