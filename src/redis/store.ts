/** Sends commands to Redis with a bound on time, and tells what can have become of those that fail. */
import { setMaxListeners } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import { type StoreOutcome, StoreUnavailableError, TokenError } from '../tokens/errors.js';
import { checkConnection } from './check-connection.js';
import { isNodeLost, lookAgain, notServed, primaryOf } from './cluster.js';
import {
  type Connection,
  closeClient,
  isClient,
  isCluster,
  isUsable,
  OPERATION_CLIENT,
  openClient,
  type RedisClient,
  whenReady,
} from './connection.js';
import { isNoScript, toConnectionError, toStoreError } from './failure.js';
import { Flights } from './flights.js';
import { type History, withHistory } from './replication.js';
import { SCRIPTS, type ScriptName } from './scripts.generated.js';

/** Of a node that was not sent anything yet, or just now. */
const CONNECTING: ReadonlySet<string> = new Set(['wait', 'connecting', 'connect']);

/** Nodes that are waited for: once for all who do, since each would listen. */
const connecting = new WeakMap<Redis, Promise<boolean>>();

/** Milliseconds, after which it is looked up anew who has the slot. */
const CONNECTS_WITHIN = 200;

type Send<T> = (client: RedisClient) => Promise<T>;

/** Deadlines are in the milliseconds of `performance.now()`: the wall clock may be set while a call waits. */
export class Store {
  readonly client: RedisClient;
  /** Whether the connection is ours: then a command is sent at most once. */
  readonly owned: boolean;
  readonly #timeout: number;
  readonly #flights = new Flights();
  readonly #closed = new AbortController();
  /** On a connection of ours: ioredis would leave its commands pending. */
  readonly #onClose = () => this.#flights.failAll(new Error('the connection was lost before the reply'));

  /**
   * @param timeout milliseconds after which a command is given up.
   * @param ours true where a caller's client is to be duplicated: what it is used for needs options of its own.
   * @throws {ConfigError}
   */
  constructor(connection: Connection | undefined, timeout: number, ours = false) {
    checkConnection(connection);
    this.owned = ours || !isClient(connection);
    this.client = this.owned
      ? openClient(connection, { ...OPERATION_CLIENT, socketTimeout: timeout })
      : (connection as RedisClient);
    this.#timeout = timeout;
    setMaxListeners(0, this.#closed.signal); // each call that waits for the connection listens
    if (this.owned) this.client.on('close', this.#onClose);
  }

  /** Resolves when the connection may be used. @throws {StoreUnavailableError} */
  async connected(timeout = this.#timeout): Promise<void> {
    if (this.#isUsable()) return;
    try {
      await whenReady(this.client, timeout, this.#closed.signal);
    } catch (error) {
      throw toConnectionError(error);
    }
  }

  /** Runs a command that changes nothing: sent again on a connection of ours that comes back in time. */
  read<T>(send: Send<T>): Promise<T> {
    const deadline = performance.now() + this.#timeout;
    if (!this.#isUsable()) return this.repeat(send, 'none', deadline);
    const reply = this.#flight(send, 'none', this.#timeout);
    if (!this.owned) return reply;
    return reply.catch(async (error: unknown) => {
      if (!this.#isLost(error) || performance.now() >= deadline) throw error;
      await this.#afterNode();
      return this.repeat(send, 'none', deadline);
    });
  }

  /** Runs a script that only tells, or that may run twice. */
  readScript(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.read(evaluate(script, keys, args));
  }

  /**
   * Runs a script that may change something: sent once.
   * @param begun when its time began: it may have waited for another.
   * @param witness hears of which history the change has become a part, before this resolves.
   */
  async change(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
    begun = performance.now(),
    witness?: (history: History) => void,
  ): Promise<unknown> {
    const left = () => this.#timeout - (performance.now() - begun);
    if (left() <= 0) throw new StoreUnavailableError('what it had to wait for took too long', 'none');
    await this.connected(left());
    if (this.owned && isCluster(this.client)) await this.#served(this.client, keys[0] as string, left());
    const send = evaluate(script, keys, args);
    if (!witness) return this.#flight(send, 'unknown', left());
    const { history, reply } = await this.#flight(
      withHistory(send, keys[0] as string, begun + this.#timeout),
      'unknown',
      left(),
    );
    witness(history);
    return reply;
  }

  /** Runs what may be sent again: on a connection of ours that is lost and comes back in time. */
  async repeat<T>(
    send: Send<T>,
    outcome: StoreOutcome,
    deadline = performance.now() + this.#timeout,
  ): Promise<T> {
    let lost: StoreUnavailableError | undefined;
    for (;;) {
      const left = Math.max(1, deadline - performance.now());
      try {
        await this.connected(left);
      } catch (error) {
        throw lost ?? error; // what was sent before may have arrived
      }
      try {
        return await this.#flight(send, outcome, left);
      } catch (error) {
        if (!this.#isLost(error) || performance.now() >= deadline) throw this.#afterLoss(error, lost);
        lost = error;
        await this.#afterNode();
      }
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(); // what waits gives up, and nothing opens the connection again
    this.#flights.close();
    if (!this.owned) return;
    await closeClient(this.client);
    this.client.off('close', this.#onClose);
  }

  /** What was refused now may have arrived before. */
  #afterLoss(error: unknown, lost: StoreUnavailableError | undefined): unknown {
    if (lost?.outcome !== 'unknown' || !(error instanceof TokenError)) return error;
    return new StoreUnavailableError(error.message, 'unknown', { cause: error });
  }

  /** Whether a command failed for want of a connection, and not for want of time on one. */
  #isLost(error: unknown): error is StoreUnavailableError {
    return error instanceof StoreUnavailableError && (!this.#isUsable() || isNodeLost(error.cause));
  }

  /** On a Cluster a node may be lost while the others serve: a replica takes its slots over. */
  async #afterNode(): Promise<void> {
    if (isCluster(this.client)) await lookAgain(this.client);
  }

  /** Resolves when the key has a primary: what is sent to none would be told as `unknown`. @throws {StoreUnavailableError} */
  async #served(client: Cluster, key: string, timeout: number): Promise<void> {
    const deadline = performance.now() + timeout;
    while (!(await isReached(client, key))) {
      if (performance.now() > deadline || this.#closed.signal.aborted) throw notServed(key);
      await lookAgain(client);
    }
  }

  #isUsable(): boolean {
    return !this.owned || isUsable(this.client);
  }

  #flight<T>(send: Send<T>, outcome: StoreOutcome, timeout: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#flights.end(fail);
        reject(toStoreError(error, outcome, this.owned));
      };
      this.#flights.begin(fail, timeout);
      send(this.client).then((reply) => {
        this.#flights.end(fail);
        resolve(reply);
      }, fail);
    });
  }
}

/** Whether the key's primary can be sent to: one that has died is known, and tried to connect to, for a while. */
async function isReached(client: Cluster, key: string): Promise<boolean> {
  const primary = primaryOf(client, key);
  if (!primary || primary.status === 'ready') return primary !== undefined;
  if (!CONNECTING.has(primary.status)) return false;
  const underWay =
    connecting.get(primary) ??
    whenReady(primary, CONNECTS_WITHIN)
      .then(
        () => true,
        () => false,
      )
      .finally(() => connecting.delete(primary));
  connecting.set(primary, underWay);
  return underWay;
}

/** By its digest; with its text where the server has not seen it, or has forgotten it: then nothing has run yet. */
function evaluate(
  script: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Send<unknown> {
  const { sha, lua } = SCRIPTS[script];
  const all = [keys, args].flat() as string[]; // as one array: there may be more than a call can take arguments
  return (client) =>
    client.evalsha(sha, keys.length, all as never).catch((error: unknown) => {
      if (!isNoScript(error)) throw error;
      return client.eval(lua, keys.length, all as never);
    });
}
