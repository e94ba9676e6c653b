/**
 * Which tokens redis-tokens 0.0 has. The name of its key holds the owner, whom nobody knows who presents a token: so all
 * names are read once, and Redis tells of those that come and go, by its client tracking.
 */
import type { Redis } from 'ioredis';
import { type Connection, closeClient, wake } from '../redis/connection.js';
import { toStoreError } from '../redis/failure.js';
import { keepAsking, openListener } from '../redis/listener.js';
import { ClosedError, CommandFailedError, ConfigError, StoreUnavailableError } from '../tokens/errors.js';
import type { OldStore } from './old-store.js';
import { OLD_KEYS, type OldToken, parseOldKey } from './old-token.js';

/** Where Redis tells of changed keys to connections with the protocol of version 2. */
const CHANNEL = '__redis__:invalidate';

/** Several names come in one message, with commas between them, which may stand in a name as well. */
const BETWEEN_NAMES = new RegExp(`,(?=${OLD_KEYS})`);

/** Milliseconds: between two PINGs, within which one must be answered, and until what failed is tried again. */
const PING_INTERVAL = 1_000;
const PING_DEADLINE = 1_000;
const RETRY = 1_000;

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
  readonly #waiting = new Set<() => void>();
  #complete = false;
  #refusal: ConfigError | undefined;
  /** Counts what makes an earlier walk void. */
  #era = 0;
  #ping: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #asking = false;
  #closed = false;

  /**
   * @param connection one of our own is opened, also where the caller gave a client: tracking is a setting of a connection.
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
    // ioredis drops what tracking tells with protocol 3. Without an offline queue nothing is sent on a later connection.
    this.#client = openListener(connection, PING_DEADLINE, {
      protocol: 2,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
    }) as Redis;
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
    if (!this.#refusal) await this.#settled();
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
    this.#tell();
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
    this.#track()
      .then(() => this.#walk(era))
      .then(
        () => {
          if (era !== this.#era) return;
          this.#complete = true;
          this.#refusal = undefined;
          this.#tell();
        },
        (error: unknown) => {
          if (era !== this.#era || this.#closed) return;
          this.#refusal = refusalOf(error);
          clearTimeout(this.#retry);
          this.#retry = setTimeout(() => this.#client.status === 'ready' && this.#follow(), RETRY);
          if (this.#refusal) this.#tell();
        },
      );
  }

  async #track(): Promise<void> {
    const id = await this.#client.client('ID');
    await this.#client.call('CLIENT', 'TRACKING', 'OFF'); // on by an attempt that was refused to subscribe
    await this.#client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', OLD_KEYS);
    await this.#client.subscribe(CHANNEL);
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

  #tell(): void {
    for (const settle of [...this.#waiting]) settle();
  }

  #settled(): Promise<void> {
    return new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, this.#timeout);
      this.#waiting.add(settle);
    });
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

/** What no waiting changes; `undefined` for what may pass. */
function refusalOf(error: unknown): ConfigError | undefined {
  const failure = toStoreError(error, 'none', true);
  if (!(failure instanceof ConfigError || failure instanceof CommandFailedError)) return undefined;
  const what = `option "migrateFrom" needs CLIENT TRACKING and the channel ${CHANNEL}, and Redis 6 or newer`;
  return new ConfigError(`${what}: ${failure.message}`, { cause: failure.cause });
}
