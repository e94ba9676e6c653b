/** Looks at what each shard has one of: the log and the marks, which every change needs. Only whether they can be read. */
import type { Keys } from '../keys.js';
import type { SecondLook } from './second-look.js';

/** What of a shard every script may count on, with its type. */
export const shardKeys = (keys: Keys, shard: number): ReadonlyMap<string, string> =>
  new Map([
    [keys.log(shard), 'stream'],
    [keys.revoked(shard), 'zset'],
    [keys.late(shard), 'zset'],
    [keys.floor(shard), 'string'],
  ]);

export class ShardCheck {
  readonly #again: SecondLook;
  readonly #keys: Keys;

  constructor(again: SecondLook, keys: Keys) {
    this.#again = again;
    this.#keys = keys;
  }

  async look(shard: number): Promise<void> {
    const wanted = [...shardKeys(this.#keys, shard)];
    const types = await this.#again.read(wanted.map(([key]) => ['type', key]));
    for (const [i, [key, type]] of wanted.entries()) {
      if (types[i] !== type && types[i] !== 'none') await this.#again.unreadable(key, type);
    }
  }
}
