/** TokenSubscriber: lifecycle events as they happen, and from the log what happened while it could not hear. */
import { checkConnection } from '../redis/check-connection.js';
import { type Connection, closeClient, isCluster, type RedisClient, wake } from '../redis/connection.js';
import { checkDatabase } from '../redis/deployment.js';
import { isForbidden, toStoreError } from '../redis/failure.js';
import { Keys } from '../redis/keys.js';
import { keepAsking, openListener } from '../redis/listener.js';
import { Store } from '../redis/store.js';
import { ClosedError, StoreUnavailableError } from '../tokens/errors.js';
import type { TokenEvent, TokenEventType } from '../tokens/events.js';
import { nameProblem } from '../tokens/fields.js';
import { GUESSING_SUSPECTED, type GuessingSuspected } from '../tokens/guessing.js';
import { checkOptions, isPrefix, type OptionRule } from '../tokens/options.js';
import { type EventFilter, isFor } from './filter.js';
import { EventLog } from './log.js';
import { LogFollower } from './log-follower.js';
import { formatCursor, parseCursor, type ShardCursor, type StreamId } from './shard-cursor.js';
import { bounded, parseEvent } from './subscription.js';
import { typedEmitter } from './typed-emitter.js';

/** What a subscriber hears, and from when on. */
export interface TokenSubscriberOptions extends EventFilter {
  /** Where to begin: a `cursor`, or epoch milliseconds. Default: with what happens from now on. */
  from?: string | number | undefined;
  /** As everywhere in the deployment. Default `rt`. */
  prefix?: string | undefined;
}

/** A part of a shard's log that was trimmed before it could be read: revocations in it were missed. */
export interface LostEvents {
  /** Whose log it was. */
  shard: number;
  /** The place up to which events were heard. */
  from: string;
  /** The place from which events are heard again. */
  to: string;
}

/** What a subscriber tells: each type of event under its name, and the following. */
export type TokenSubscriberEvents = { [T in TokenEventType]: [event: TokenEvent<T>] } & {
  /** Every event of a token, of whichever type. */
  event: [event: TokenEvent];
  /**
   * A client presents many tokens that are none. It is no event of a token, and in no log: it is heard while `connected`
   * alone, and not by whoever hears of one owner.
   */
  'guessing-suspected': [event: GuessingSuspected];
  /** Events were missed, or may have been: whatever is kept of tokens is to be thrown away. */
  'events-lost': [lost: LostEvents];
  /** It hears again, and has caught up. */
  connected: [];
  /** It hears nothing; what happens meanwhile is told later. */
  disconnected: [];
  /** A listener failed, or the log can not be read now. */
  error: [error: unknown];
};

/** Milliseconds: between two PINGs, and within which one must be answered. */
const PING_INTERVAL = 5_000;
const PING_DEADLINE = 5_000;

/**
 * Milliseconds between two readings of the log, whether or not there was a message. A filter that lets little through
 * hears of its place only so: between two readings the log must not turn over. On a Cluster a message may be lost on its
 * way between nodes.
 */
const READ_INTERVAL = 5_000;
const READ_INTERVAL_CLUSTER = 1_000;

/** Milliseconds within which `start` must have reached Redis, and a reading must be answered. */
const TIMEOUT = 5_000;

/** Milliseconds until what failed on a connection that stands is tried again. */
const RETRY = 250;

const name: OptionRule = (value) => nameProblem(value) && 'a string of 1–256 characters';
const RULES: Record<keyof TokenSubscriberOptions, OptionRule> = {
  app: name,
  type: name,
  owner: name,
  from: (value) =>
    (typeof value === 'string' && parseCursor(value)) ||
    (Number.isSafeInteger(value) && (value as number) >= 0)
      ? undefined
      : 'a cursor of a subscriber, or epoch milliseconds',
  prefix: isPrefix,
};

/**
 * Hears of every revocation, from the log: as soon as a message says that there is something new, and after its connection
 * was lost. Where the log no longer reaches back, it tells `events-lost`.
 *
 * @example
 * const subscriber = new TokenSubscriber('redis://localhost:6379', { app: 'shop' });
 * subscriber.on('token-revoked', (event) => sessions.delete(event.subject));
 * await subscriber.start();
 */
export class TokenSubscriber extends typedEmitter<TokenSubscriberEvents>() {
  readonly #options: TokenSubscriberOptions;
  readonly #keys: Keys;
  readonly #client: RedisClient;
  readonly #store: Store;
  readonly #log: LogFollower;
  readonly #timers: NodeJS.Timeout[] = [];
  #retry: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #started = false;
  #connected = false;
  readonly #closed = new AbortController();
  /** Counts connections: what was begun on an earlier one has no say. */
  #connection = 0;

  /**
   * @param connection a `redis:` or `rediss:` URL, ioredis options, or an ioredis client, which is duplicated.
   *   Default `redis://localhost:6379`.
   * @throws {ConfigError} for a connection or an option that can not work.
   */
  constructor(connection?: Connection, options: TokenSubscriberOptions = {}) {
    super();
    checkOptions('TokenSubscriber', options, RULES);
    checkConnection(connection);
    this.#options = { ...options };
    this.#keys = new Keys(options.prefix ?? 'rt');
    this.#store = new Store(connection, TIMEOUT, true);
    this.#log = new LogFollower(new EventLog(this.#store, this.#keys), options.from, {
      deliver: (shard, id, event) => this.#deliver(shard, id, event),
      // Told again to whoever goes on from the cursor before the listeners have done what is to be done.
      lost: (shard, number, from, to) =>
        shard.hold(from, this.#announce(['events-lost'], { shard: number, from, to })),
    });
    this.#client = openListener(connection, PING_DEADLINE);
    this.#client.on('pmessage', (_pattern: string, _channel: string, text: string) => this.#hear(text));
    this.#client.on('close', () => this.#disconnected());
  }

  /** Whether every event is heard as it happens. */
  get connected(): boolean {
    return this.#connected;
  }

  /** The place up to which every event was delivered and its listeners have settled: for `from`, after a restart. */
  get cursor(): string {
    const { from } = this.#options;
    if (this.#log.shards.length === 0) return typeof from === 'string' ? from : '';
    return formatCursor(this.#log.shards.map((shard) => shard.cursor));
  }

  /**
   * Resolves once events are heard, and those since `from` were delivered.
   * @throws {StoreUnavailableError} where Redis can not be reached within five seconds; it may be called again.
   */
  start(): Promise<void> {
    if (this.#closing) return Promise.reject(new ClosedError('TokenSubscriber'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw this.#closing ? new ClosedError('TokenSubscriber') : error;
    });
    return this.#starting;
  }

  /** Ends the connections; safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    wake(this.#client);
    await this.#store.connected();
    await checkDatabase(this.#store);
    await this.#listen();
    if (!this.#connected)
      throw new StoreUnavailableError('the connection was lost before the log was read', 'none');
    this.#started = true;
    this.#client.on('ready', () => this.#catchUp());
    const interval = isCluster(this.#client) ? READ_INTERVAL_CLUSTER : READ_INTERVAL;
    this.#timers.push(
      keepAsking(this.#client, PING_INTERVAL, PING_DEADLINE),
      setInterval(() => this.#catchUp(), interval),
    );
  }

  /** Subscribes first and reads then: of what happens afterwards there is a message. */
  async #listen(): Promise<void> {
    const connection = this.#connection;
    const { app, type } = this.#options;
    const all = this.#keys.events();
    await this.#subscribe(this.#keys.events('*', app, type)).catch((error: unknown) => {
      // A user may be let have a pattern, and none that is narrower; what is not for us is left aside all the same.
      return isForbidden(error) ? this.#subscribe(all) : Promise.reject(error);
    });
    await this.#log.read();
    if (connection !== this.#connection || this.#closing || this.#connected) return;
    this.#connected = true;
    this.#announce(['connected']);
  }

  #subscribe(pattern: string): Promise<unknown> {
    const confirmed = bounded(this.#client.psubscribe(pattern), TIMEOUT, this.#closed.signal);
    return confirmed.catch((error: unknown) => Promise.reject(toStoreError(error, 'none', true)));
  }

  /** Reads the log, and listens first where that was interrupted; again where either fails. */
  #catchUp(): void {
    const caughtUp = this.#connected || this.#isCutOff ? this.#log.read() : this.#listen();
    caughtUp.catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (!this.#started) return; // `start` tells
    this.#tell(error);
    if (this.#closing || this.#isCutOff) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      if (!this.#isCutOff) this.#catchUp();
    }, RETRY);
  }

  /** Its return brings us back to the log. */
  get #isCutOff(): boolean {
    return this.#client.status !== 'ready';
  }

  #disconnected(): void {
    this.#connection++;
    if (!this.#connected) return;
    this.#connected = false;
    if (!this.#closing) this.#announce(['disconnected']);
  }

  /**
   * A message tells that there is something new, and no more: another database of the server may have the same prefix,
   * and messages know no databases. The log has each event of this deployment once, but for those that are in none.
   */
  #hear(text: string): void {
    const event = parseEvent(text);
    if (!event || !isFor(this.#options, event)) return;
    if (event.type === GUESSING_SUSPECTED) {
      void this.#announce([GUESSING_SUSPECTED], event);
      return;
    }
    if (this.#retry) return; // everything is read then
    this.#log.readShard(Number.parseInt(event.id, 10))?.catch((error: unknown) => this.#failed(error));
  }

  #deliver(shard: ShardCursor, id: StreamId, event: TokenEvent): void {
    if (!isFor(this.#options, event)) return;
    shard.hold(id, this.#announce([event.type, 'event'], event));
  }

  /** Resolves when all listeners have settled. */
  #announce(names: (keyof TokenSubscriberEvents)[], ...args: unknown[]): Promise<unknown> {
    const listeners = names.flatMap((name) => this.rawListeners(name));
    return Promise.all(listeners.map((listener) => this.#call(listener, args)));
  }

  /** A listener that fails stops nobody. */
  async #call(listener: (...args: unknown[]) => unknown, args: unknown[]): Promise<void> {
    try {
      await listener.apply(this, args);
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (this.listenerCount('error') > 0 && !this.#closing) this.emit('error', error);
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    this.#connection++;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#retry);
    this.#log.stop();
    await closeClient(this.#client);
    await this.#store.close();
    this.#connected = false;
  }
}
