/** What there is in a deployment, in figures for whoever looks after it: by the indexes alone, no token is read. */
import type { Scope } from '../tokens/types.js';
import { fromTime } from './clock.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

export interface ScopeCount extends Scope {
  /** Live tokens. */
  live: number;
}

export interface TokenStatistics {
  /** Live tokens in all scopes that were looked at. */
  live: number;
  /** Those scopes, the largest first. */
  scopes: ScopeCount[];
  /** Whether all scopes were looked at; where there are very many, only some are. */
  complete: boolean;
  /** Events that were ever told; it begins anew where the log was lost. */
  events: number;
  /** Milliseconds since the longest overdue token that no sweep has ended yet expired. */
  sweepLag: number;
}

/** Indexes that one reading looks at: some 50 ms of Redis' time, in small steps. */
const INDEXES = 5_000;

/** Indexes that are looked at side by side: what others ask for meanwhile waits for a millisecond of them. */
const STEP = 100;

/** What one shard's index tells of a scope. */
interface Found {
  scope: Scope;
  live: number;
  lag: number;
}

export class Statistics {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: number;

  constructor(store: Store, keys: Keys, shards: number) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
  }

  /** @throws {StoreUnavailableError} */
  async read(): Promise<TokenStatistics> {
    const now = Math.floor((await this.#store.read(async (client) => fromTime(await client.time()))) / 1_000);
    const counts = new Map<string, ScopeCount>();
    const statistics = { live: 0, complete: true, events: 0, sweepLag: 0 };
    let left = INDEXES;
    for (let shard = 0; shard < this.#shards; shard++) {
      statistics.events += await this.#events(shard);
      const { members, complete } = await this.#members(shard, left);
      left -= members.length;
      statistics.complete &&= complete;
      for (const { scope, live, lag } of await this.#lookAt(shard, members, now)) {
        const key = `${scope.app}\0${scope.type}`;
        const count = counts.get(key) ?? { ...scope, live: 0 };
        count.live += live;
        counts.set(key, count);
        statistics.live += live;
        statistics.sweepLag = Math.max(statistics.sweepLag, lag);
      }
    }
    const scopes = [...counts.values()].sort(byCountThenName);
    return { ...statistics, scopes };
  }

  /** Names of the shard's scopes, up to `most` of them. */
  async #members(shard: number, most: number): Promise<{ members: string[]; complete: boolean }> {
    const members = new Set<string>();
    let cursor = '0';
    do {
      const [next, found] = await this.#store.read((client) =>
        client.sscan(this.#keys.scopes(shard), cursor, 'COUNT', STEP),
      );
      cursor = next;
      for (const member of found) members.add(member);
    } while (cursor !== '0' && members.size <= most);
    return { members: [...members].slice(0, most), complete: cursor === '0' && members.size <= most };
  }

  async #lookAt(shard: number, members: readonly string[], now: number): Promise<Found[]> {
    const found: Found[] = [];
    for (let i = 0; i < members.length; i += STEP) {
      const step = members.slice(i, i + STEP).flatMap((member) => this.#keys.scopeOf(member) ?? []);
      found.push(...(await Promise.all(step.map((scope) => this.#scope(shard, scope, now)))));
    }
    return found;
  }

  async #scope(shard: number, scope: Scope, now: number): Promise<Found> {
    const key = this.#keys.scopeIndex(shard, scope);
    const [live, first] = await Promise.all([
      this.#store.read((client) => client.zcount(key, now, '+inf')),
      this.#store.read((client) => client.zrange(key, '0', '0', 'WITHSCORES')),
    ]);
    const expires = Number(first[1] ?? now);
    return { scope, live, lag: Math.max(0, now - expires) };
  }

  async #events(shard: number): Promise<number> {
    const key = this.#keys.log(shard);
    const facts = await this.#store.read(async (client) =>
      (await client.exists(key)) === 1 ? ((await client.xinfo('STREAM', key)) as unknown[]) : [],
    );
    const at = facts.indexOf('entries-added');
    return at < 0 ? 0 : Number(facts[at + 1]);
  }
}

const byCountThenName = (a: ScopeCount, b: ScopeCount): number =>
  b.live - a.live || (`${a.app}\0${a.type}` < `${b.app}\0${b.type}` ? -1 : 1);
