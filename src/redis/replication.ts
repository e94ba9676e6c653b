/** Which history of Redis a change is a part of, and how many replicas have it: a primary answers before they do. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import type { ResolvedDurability } from '../tokens/options.js';
import { isRedirection, lookAgain, notServed, primaryOf } from './cluster.js';
import {
  type Connection,
  closeClient,
  isCluster,
  OPERATION_CLIENT,
  openClient,
  type RedisClient,
  whenReady,
} from './connection.js';
import { SCRIPTS } from './scripts.generated.js';

/**
 * What a primary calls the row of changes that it makes. A replica that takes over begins another, and so does a server
 * that starts again: what is acknowledged there says nothing of a change that was made before. `undefined` where nobody could tell.
 */
export type History = string | undefined;

/** The shards that a change was made on. */
export class Witness {
  readonly histories = new Map<number, History>();

  note(shard: number, history: History): void {
    const isOther = this.histories.has(shard) && this.histories.get(shard) !== history;
    this.histories.set(shard, isOther ? undefined : history); // a part of it is in another
  }
}

/**
 * Sends what changes something, and asks right before, on the same socket, what it becomes a part of. On a Cluster that is
 * the primary itself: one that has not got the slot any more refuses it, and the one that has is looked for.
 * @param deadline by the monotonic clock.
 */
export const withHistory =
  <T>(send: (client: RedisClient) => Promise<T>, key: string, deadline: number) =>
  async (client: RedisClient): Promise<{ history: History; reply: T }> => {
    for (;;) {
      const node = isCluster(client) ? primaryOf(client, key) : client;
      const history = node?.info('replication').then(historyIn, () => undefined);
      try {
        const reply = await send(node ?? client);
        return { history: await history, reply };
      } catch (error) {
        if (!isCluster(client) || !isRedirection(error)) throw error;
        if (performance.now() >= deadline) throw notServed(key);
        await lookAgain(client);
      }
    }
  };

const historyIn = (info: string): History =>
  /^role:master/m.test(info) ? /^master_replid:(\w+)/m.exec(info)?.[1] : undefined;

/** What `WAIT` has told. */
export interface Acknowledged {
  history: History;
  /** Replicas that have all that was written before they were asked for. */
  replicas: number;
}

/** Milliseconds that an answer may take on its way. */
const ON_ITS_WAY = 500;

export class Acknowledgements {
  /** Of its own: a `WAIT` holds up whatever comes behind it. */
  readonly #client: RedisClient;
  readonly #rules: ResolvedDurability;
  readonly #rounds = new WeakMap<Redis, Round>();
  #closed = false;

  constructor(connection: Connection | undefined, rules: ResolvedDurability) {
    const socketTimeout = rules.timeout + ON_ITS_WAY;
    this.#client = openClient(connection, { ...OPERATION_CLIENT, socketTimeout });
    this.#rules = rules;
  }

  /**
   * How many replicas of the key's primary have what was written there before this call. It never rejects, and takes at
   * most twice the `timeout`: whoever asks while others wait is served together with all who do, when that is over.
   * @param key of its slot, which is written.
   * @param madeIn what the change has become a part of: on a Cluster, where a slot moves from one primary to another
   *   unheard, the primary that has it is looked for.
   */
  async of(key: string, madeIn: History): Promise<Acknowledged> {
    const deadline = performance.now() + this.#rules.timeout;
    try {
      await whenReady(this.#client, this.#rules.timeout);
      for (;;) {
        const told = await this.#askPrimary(key).catch(() => NOBODY);
        const isElsewhere = isCluster(this.#client) && madeIn !== undefined && told.history !== madeIn;
        if (!isElsewhere || performance.now() >= deadline || this.#closed) return told;
        await lookAgain(this.#client as Cluster);
      }
    } catch {
      return NOBODY;
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return closeClient(this.#client);
  }

  async #askPrimary(key: string): Promise<Acknowledged> {
    const node = isCluster(this.#client) ? primaryOf(this.#client, key) : this.#client;
    if (!node) return NOBODY;
    const round = this.#rounds.get(node) ?? new Round((first) => this.#ask(node, first));
    this.#rounds.set(node, round);
    return round.join(key);
  }

  async #ask(node: Redis, key: string): Promise<Acknowledged> {
    const { replicas, timeout } = this.#rules;
    const asked = node
      .pipeline()
      .eval(SCRIPTS.fence.lua, 1, key)
      .wait(replicas, timeout)
      .info('replication')
      .exec();
    const late = new AbortController();
    const told = await Promise.race([
      asked,
      wait(timeout + ON_ITS_WAY, undefined, { signal: late.signal, ref: false }),
    ]).finally(() => late.abort());
    const [fence, acknowledged, info] = told ?? [];
    if (!fence || fence[0] || !acknowledged || acknowledged[0] || !info || info[0]) return NOBODY;
    return { history: historyIn(String(info[1])), replicas: Number(acknowledged[1]) };
  }
}

const NOBODY: Acknowledged = { history: undefined, replicas: 0 };

/** One question at a time: who comes meanwhile shares the next one, which is yet to be written. */
class Round {
  readonly #ask: (key: string) => Promise<Acknowledged>;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<Acknowledged> | undefined;

  constructor(ask: (key: string) => Promise<Acknowledged>) {
    this.#ask = ask;
  }

  join(key: string): Promise<Acknowledged> {
    this.#next ??= this.#begin(key);
    return this.#next;
  }

  #begin(key: string): Promise<Acknowledged> {
    const round = this.#last.then(() => {
      this.#next = undefined;
      return this.#ask(key);
    });
    this.#last = round.catch(() => {});
    return round;
  }
}
