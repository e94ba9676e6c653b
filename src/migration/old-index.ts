/**
 * Which tokens redis-tokens 0.0 has. The name of its key holds the owner, whom nobody knows who presents a token: so all
 * names are read once, and Redis tells of those that come and go, by its client tracking.
 */
import type { Redis } from 'ioredis';
import { type Connection, closeClient, wake } from '../redis/connection.js';
import { keepAsking } from '../redis/listener.js';
import {
  Outcomes,
  openTracker,
  PING_DEADLINE,
  PING_INTERVAL,
  RETRY,
  track,
  trackingRefusal,
} from '../redis/tracking.js';
import { ClosedError, type ConfigError, StoreUnavailableError } from '../tokens/errors.js';
import type { OldStore } from './old-store.js';
import { OLD_KEYS, type OldToken, parseOldKey } from './old-token.js';

/** Several names come in one message, with commas between them, which may stand in a name as well. */
const BETWEEN_NAMES = new RegExp(`,(?=${OLD_KEYS})`);

/** Keys that are asked for at a time, whether they are still there. */
const ASKED_AT_ONCE = 500;

export class OldIndex {
  readonly #old: OldStore;
  readonly #idOf: (token: OldToken) => string;
  readonly #timeout: number;
  readonly #client: Redis;
  /** The name of each token's key, by the id that the token has here. */
  readonly #keys = new Map<string, string>();
  /** More keys of the same token: redis-tokens 0.0 lets each owner have it. */
  readonly #more = new Map<string, Set<string>>();
  readonly #owners = new Map<string, Set<string>>();
  /** Something happened to these keys: whether they are still there is to be seen. */
  readonly #unsure = new Set<string>();
  readonly #outcomes = new Outcomes();
  #complete = false;
  #refusal: ConfigError | undefined;
  /** Counts what makes an earlier walk void. */
  #era = 0;
  #ping: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #asking = false;
  #closed = false;

  /**
   * @param connection one of our own is opened, also where the caller gave a client.
   * @param idOf the id that a token has here.
   * @param timeout milliseconds that `ready` waits.
   */
  constructor(
    connection: Connection | undefined,
    old: OldStore,
    idOf: (token: OldToken) => string,
    timeout: number,
  ) {
    this.#old = old;
    this.#idOf = idOf;
    this.#timeout = timeout;
    this.#client = openTracker(connection);
    this.#client.on('ready', () => this.#follow());
    this.#client.on('close', () => this.#lose());
    this.#client.on('message', (_channel: string, keys: string) => this.#hear(keys));
  }

  /** Whether it knows all tokens there are, but for what has happened in the last moment. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Resolves when it is complete. @throws {StoreUnavailableError} {ConfigError} where Redis refuses to tell. */
  async ready(): Promise<void> {
    if (this.#complete) return;
    if (this.#closed) throw new ClosedError('RedisTokens');
    wake(this.#client);
    this.#ping ??= keepAsking(this.#client, PING_INTERVAL, PING_DEADLINE);
    if (!this.#refusal) await this.#outcomes.next(this.#timeout);
    if (this.#complete) return;
    if (this.#refusal) throw this.#refusal;
    throw new StoreUnavailableError(
      `the tokens of redis-tokens 0.0 are not known within ${this.#timeout} ms`,
      'none',
    );
  }

  /** The name of the token's key, or of each where owners share it. */
  find(id: string): string[] {
    const key = this.#keys.get(id);
    return key === undefined ? [] : [key, ...(this.#more.get(id) ?? [])];
  }

  has(key: string): boolean {
    const token = parseOldKey(key);
    return (
      token !== undefined && this.#owners.get(nameOf(token.app, token.type, token.owner))?.has(key) === true
    );
  }

  /** The names of the keys of an app's tokens; where type and owner are given, of those alone. */
  of(app: string, type?: string, owner?: string): string[] {
    if (type !== undefined && owner !== undefined)
      return [...(this.#owners.get(nameOf(app, type, owner)) ?? [])];
    const begins = type === undefined ? `${app}\0` : `${app}\0${type}\0`;
    return [...this.#owners].flatMap(([name, keys]) => (name.startsWith(begins) ? [...keys] : []));
  }

  /** For a key that is there no more. */
  forget(key: string): void {
    const token = parseOldKey(key);
    if (!token) return;
    const id = this.#idOf(token);
    remove(this.#owners, nameOf(token.app, token.type, token.owner), key);
    const other = this.#more.get(id)?.values().next().value;
    if (this.#keys.get(id) !== key) remove(this.#more, id, key);
    else if (other === undefined) this.#keys.delete(id);
    else {
      this.#keys.set(id, other);
      remove(this.#more, id, other);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ping);
    this.#lose();
    this.#outcomes.tell();
    await closeClient(this.#client);
  }

  #add(key: string): void {
    const token = parseOldKey(key);
    if (!token) return;
    const id = this.#idOf(token);
    const known = this.#keys.get(id);
    if (known === undefined) this.#keys.set(id, key);
    else if (known !== key) add(this.#more, id, key);
    add(this.#owners, nameOf(token.app, token.type, token.owner), key);
  }

  /** Listens first, and reads then: so nothing is missed between. */
  #follow(): void {
    const era = ++this.#era;
    track(this.#client, [OLD_KEYS])
      .then(() => this.#walk(era))
      .then(
        () => {
          if (era !== this.#era) return;
          this.#complete = true;
          this.#refusal = undefined;
          this.#outcomes.tell();
        },
        (error: unknown) => {
          if (era !== this.#era || this.#closed) return;
          this.#refusal = trackingRefusal(error, 'migrateFrom', ', and Redis 6 or newer');
          clearTimeout(this.#retry);
          this.#retry = setTimeout(() => this.#client.status === 'ready' && this.#follow(), RETRY);
          if (this.#refusal) this.#outcomes.tell();
        },
      );
  }

  async #walk(era: number): Promise<void> {
    if (era !== this.#era) return;
    for (const map of [this.#keys, this.#more, this.#owners]) map.clear();
    for await (const { keys } of this.#old.names()) {
      if (era !== this.#era) return;
      for (const key of keys) this.#add(key);
    }
  }

  #hear(message: string): void {
    if (message === '') return; // FLUSHALL, FLUSHDB: what is not there any more is found out when it is asked for
    for (const key of message.split(BETWEEN_NAMES)) {
      this.#add(key);
      this.#unsure.add(key);
    }
    if (!this.#asking) void this.#ask();
  }

  /** Forgets what is gone. Whether a key has come, changed or gone Redis does not say. */
  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      while (this.#unsure.size > 0 && !this.#closed) {
        const keys = [...this.#unsure].slice(0, ASKED_AT_ONCE);
        for (const key of keys) this.#unsure.delete(key);
        const existing = await this.#old.existing(keys);
        // One that was heard of since may have come again.
        for (const key of keys) if (!existing.has(key) && !this.#unsure.has(key)) this.forget(key);
      }
    } catch {
      // They stay: too many are known, and none too few.
    } finally {
      this.#asking = false;
    }
  }

  #lose(): void {
    this.#era++;
    this.#complete = false;
    clearTimeout(this.#retry);
  }
}

function add(sets: Map<string, Set<string>>, name: string, key: string): void {
  const known = sets.get(name);
  if (known) known.add(key);
  else sets.set(name, new Set([key]));
}

function remove(sets: Map<string, Set<string>>, name: string, key: string): void {
  const known = sets.get(name);
  known?.delete(key);
  if (known?.size === 0) sets.delete(name);
}

/** No name holds NUL. */
const nameOf = (app: string, type: string, owner: string): string => `${app}\0${type}\0${owner}`;
