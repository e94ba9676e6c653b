/** Lists an owner's tokens over all shards. */
import type { Commands } from '../tokens/commands.js';
import type { Scope, TokenRecord } from '../tokens/types.js';
import { decodeRecord } from './codec.js';
import { type Keys, scopeArgs } from './keys.js';
import type { Store } from './store.js';

/** Ids that a step is given: it reads so many records at most. */
const LISTED_AT_ONCE = 500;

export class Lister {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];

  constructor(store: Store, keys: Keys, shards: readonly number[]) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
  }

  async list(command: Commands['list']): Promise<TokenRecord[]> {
    const found = await Promise.all(this.#shards.map((shard) => this.#listShard(shard, command)));
    return found.flat().sort(latestFirst).slice(0, command.limit);
  }

  /** Finds at once which tokens they are, and reads them in steps: none is missing, or comes twice, for a refresh meanwhile. */
  async #listShard(shard: number, command: Commands['list']): Promise<TokenRecord[]> {
    const { owner, limit } = command;
    const keys = [
      this.#keys.scopeIndex(shard, command),
      this.#keys.log(shard),
      this.#keys.ownerIndex(shard, command, owner),
    ];
    const records = new Map<string, TokenRecord>();
    let place: [expiresAt: number | string, id: string] = [
      command.after?.expiresAt ?? '',
      command.after?.id ?? '',
    ];
    let left: string[] = [];
    do {
      const step = left.slice(0, LISTED_AT_ONCE);
      const args = [...scopeArgs(command), '', owner, limit - records.size, ...place, ...step];
      const reply = await this.#store.readScript('list', keys, args);
      const [found, rest, expiresAt, id] = reply as [string[], string[], string, string];
      for (let i = 0; i < found.length; i += 2) {
        const record = readable(found[i] as string, found[i + 1] as string, command);
        if (record) records.set(record.id, record);
      }
      left = [...rest, ...left.slice(step.length)];
      if (step.length === 0) place = [expiresAt, id];
    } while (left.length > 0 || (place[1] !== '' && records.size < limit));
    return [...records.values()];
  }
}

/** One that can not be read keeps nobody from the others: `get` and doctor tell of it. */
function readable(id: string, text: string, scope: Scope): TokenRecord | undefined {
  try {
    return decodeRecord(id, text, scope);
  } catch {
    return undefined;
  }
}

const latestFirst = (a: TokenRecord, b: TokenRecord): number =>
  b.expiresAt - a.expiresAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
