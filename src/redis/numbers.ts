/** How many tokens there are, and whose: by the indexes alone, no token is read. */
import { type Clock, MICROS_PER_MS } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { decodeOwnerCursor, encodeOwnerCursor, type OwnerPlace } from '../tokens/owner-cursor.js';
import type { OwnerCount, OwnersPage, Scope } from '../tokens/types.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

/** Where a member of a scope's index, `<id>:<owner>`, tells the owner. */
const OWNER_FROM = 23;

interface Page {
  owners: OwnerCount[];
  /** Where the next one begins. */
  place: OwnerPlace | undefined;
}

export class Numbers {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];
  readonly #clock: Clock;

  constructor(store: Store, keys: Keys, shards: readonly number[], clock: Clock) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
    this.#clock = clock;
  }

  count(command: Commands['count']): Promise<number> {
    const { owner } = command;
    return owner === undefined
      ? this.#countIn((shard) => this.#keys.scopeIndex(shard, command))
      : this.#countOwner(command, owner);
  }

  /** A page holds somebody, unless it is the last one. */
  async owners(command: Commands['owners']): Promise<OwnersPage> {
    let page = await this.#page(command, this.#placeOf(command.cursor));
    while (page.owners.length === 0 && page.place) page = await this.#page(command, page.place);
    return { owners: page.owners, cursor: page.place && encodeOwnerCursor(page.place) };
  }

  /** What one step of Redis' own walk over the members of the scope's index finds, or as much of it as a page takes. */
  async #page(command: Commands['owners'], place: OwnerPlace): Promise<Page> {
    const { shard, from, after } = place;
    const [next, names] = await this.#step(command, place);
    // Where the members have not been moved meanwhile, those up to the last name were given.
    const isSame = after !== undefined && next === place.next;
    const rest = isSame ? names.filter((name) => name > after) : names;
    const taken = rest.slice(0, command.limit);
    const counts = await Promise.all(taken.map((owner) => this.#countOwner(command, owner)));
    const owners = taken.map((owner, i) => ({ owner, count: counts[i] as number }));
    const page: Page = { owners: owners.filter(({ count }) => count > 0), place: undefined };
    if (rest.length > taken.length) page.place = { shard, from, next, after: taken.at(-1) as string };
    else if (next !== '0') page.place = { shard, from: next };
    else if (shard + 1 < this.#shards.length) page.place = { shard: shard + 1, from: '0' };
    return page;
  }

  /** Where the next step would begin, and the owners that this one found, by name. */
  async #step(command: Commands['owners'], { shard, from }: OwnerPlace): Promise<[string, string[]]> {
    const key = this.#keys.scopeIndex(shard, command);
    const [next, found] = await this.#store.read((client) => client.zscan(key, from, 'COUNT', command.limit));
    const now = this.#nowMs();
    const names = new Set<string>();
    for (let i = 0; i < found.length; i += 2) {
      if (Number(found[i + 1]) >= now) names.add((found[i] as string).slice(OWNER_FROM));
    }
    return [next, [...names].sort()];
  }

  #placeOf(cursor: string | undefined): OwnerPlace {
    const place = cursor === undefined ? { shard: 0, from: '0' } : decodeOwnerCursor(cursor);
    if (place && place.shard < this.#shards.length) return place;
    throw new ValidationError('owners', [{ field: 'cursor', problem: 'is none of this deployment' }]);
  }

  #countOwner(scope: Scope, owner: string): Promise<number> {
    return this.#countIn((shard) => this.#keys.ownerIndex(shard, scope, owner));
  }

  /** What has not expired, in an index of each shard. */
  async #countIn(keyOf: (shard: number) => string): Promise<number> {
    const now = this.#nowMs();
    const counts = await Promise.all(
      this.#shards.map((shard) => this.#store.read((client) => client.zcount(keyOf(shard), now, '+inf'))),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** A token lives through the whole millisecond that it expires in. */
  #nowMs(): number {
    return Math.floor(this.#clock.reckoned() / MICROS_PER_MS);
  }
}
