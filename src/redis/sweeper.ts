/** Ends what is overdue, scope by scope, in steps that let others in between. */
import { type Keys, scopeArgs } from './keys.js';
import type { Store } from './store.js';

/** Overdue tokens that one step ends: about two milliseconds. */
const SWEPT_AT_ONCE = 200;

/** Scopes that are looked at side by side. */
const SCOPES_AT_ONCE = 100;

export class Sweeper {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];

  constructor(store: Store, keys: Keys, shards: readonly number[]) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
  }

  /** Answers how many it met. */
  async sweep(signal: AbortSignal | undefined): Promise<number> {
    const met = await Promise.all(this.#shards.map((shard) => this.#sweepShard(shard, signal)));
    return sum(met);
  }

  async #sweepShard(shard: number, signal: AbortSignal | undefined): Promise<number> {
    const key = this.#keys.scopes(shard);
    let met = 0;
    let cursor = '0';
    do {
      const [next, members] = await this.#store.read((client) =>
        client.sscan(key, cursor, 'COUNT', SCOPES_AT_ONCE),
      );
      cursor = next;
      met += sum(await Promise.all(members.map((member) => this.#sweepScope(shard, member, signal))));
    } while (cursor !== '0' && !signal?.aborted);
    return met;
  }

  async #sweepScope(shard: number, member: string, signal: AbortSignal | undefined): Promise<number> {
    const scope = this.#keys.scopeOf(member);
    if (!scope) return 0;
    const keys = [this.#keys.scopeIndex(shard, scope), this.#keys.log(shard), this.#keys.scopes(shard)];
    let all = 0;
    let met: number;
    do {
      met = Number(await this.#store.readScript('sweep', keys, [...scopeArgs(scope), '', SWEPT_AT_ONCE]));
      all += met;
    } while (met === SWEPT_AT_ONCE && !signal?.aborted);
    return all;
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
