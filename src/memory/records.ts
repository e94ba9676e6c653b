/** Records in memory, with the two indexes of a token: its owner's and its scope's. */
import type { TokenAttributes } from '../tokens/attributes.js';
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import { decodeEntries, encodeEntries } from '../tokens/data.js';
import type { ListPosition, Scope, TokenRecord } from '../tokens/types.js';

type Entry = [key: string, json: string];

/** A record as it is kept: the data as JSON texts, so that nobody shares objects with the store. */
export interface StoredToken extends Scope {
  id: string;
  owner: string;
  version: number;
  /** Of a successor: that of the first of its family, by which revocations go. */
  createdAt: Microseconds;
  /** Milliseconds: the last one that the token lives in. */
  expiresAt: number;
  /** `issuedAt` of the latest refresh; 0 until there was one. */
  refreshedAt: Microseconds;
  attributes: TokenAttributes | undefined;
  /** Of a successor: the first of those that it stems from, and when it took its place, in ms. */
  family?: string;
  rotatedAt?: number;
  /** Ids that it was moved from, the latest first. */
  former?: string[];
  entries: Entry[];
}

type Index = Map<string, Set<StoredToken>>;

/** Holds a token until someone meets it overdue and removes it. */
export class MemoryRecords {
  readonly #byId = new Map<string, StoredToken>();
  readonly #byOwner: Index = new Map();
  readonly #byScope: Index = new Map();
  /** No token of the scope expires before this: what makes looking for overdue ones cheap. */
  readonly #earliest = new Map<string, number>();

  /** Also where it is overdue. */
  get(id: string): StoredToken | undefined {
    return this.#byId.get(id);
  }

  add(token: StoredToken): void {
    this.#byId.set(token.id, token);
    addTo(this.#byOwner, ownerKey(token, token.owner), token);
    addTo(this.#byScope, scopeKey(token), token);
    this.#expiresBy(token);
  }

  /** A token expires at another time from now on. */
  move(token: StoredToken, expiresAt: number): void {
    token.expiresAt = expiresAt;
    this.#expiresBy(token);
  }

  remove(token: StoredToken): void {
    this.#byId.delete(token.id);
    removeFrom(this.#byOwner, ownerKey(token, token.owner), token);
    if (removeFrom(this.#byScope, scopeKey(token), token)) this.#earliest.delete(scopeKey(token));
  }

  /** The tokens of an owner behind a place, latest expiry first. */
  ofOwner(scope: Scope, owner: string, after?: ListPosition): StoredToken[] {
    const tokens = [...(this.#byOwner.get(ownerKey(scope, owner)) ?? [])].sort(latestFirst);
    return after ? tokens.filter((token) => latestFirst(after, token) < 0) : tokens;
  }

  /** The tokens of a scope, or of every scope of an app. */
  ofScopes({ app, type }: { app: string; type?: string }): StoredToken[] {
    if (type !== undefined) return [...(this.#byScope.get(scopeKey({ app, type })) ?? [])];
    return [...this.#byId.values()].filter((token) => token.app === app);
  }

  /** The tokens of a scope that are over, earliest first. */
  overdue(scope: Scope, nowMs: number): StoredToken[] {
    const key = scopeKey(scope);
    if (nowMs <= (this.#earliest.get(key) ?? Number.POSITIVE_INFINITY)) return [];
    const tokens = [...(this.#byScope.get(key) ?? [])].sort(latestFirst).reverse();
    const overdue = tokens.filter((token) => !isAlive(token, nowMs));
    if (overdue.length === 0) this.#earliest.set(key, tokens[0]?.expiresAt ?? 0);
    return overdue;
  }

  /** All that is kept, and the members of both indexes. */
  members(): { records: StoredToken[]; byOwner: StoredToken[]; byScope: StoredToken[] } {
    return {
      records: [...this.#byId.values()],
      byOwner: [...this.#byOwner.values()].flatMap((tokens) => [...tokens]),
      byScope: [...this.#byScope.values()].flatMap((tokens) => [...tokens]),
    };
  }

  #expiresBy(token: StoredToken): void {
    const key = scopeKey(token);
    this.#earliest.set(key, Math.min(this.#earliest.get(key) ?? token.expiresAt, token.expiresAt));
  }
}

/** A token lives through the whole millisecond that it expires in, as a key of Redis does. */
export const isAlive = ({ expiresAt }: StoredToken, nowMs: number): boolean => nowMs <= expiresAt;

export const toMs = (micros: Microseconds): number => Math.floor(micros / MICROS_PER_MS);

/** The record as it is answered: nothing in it is shared with the store. */
export const toRecord = ({
  id,
  app,
  type,
  owner,
  entries,
  version,
  createdAt,
  expiresAt,
  attributes,
  rotatedAt,
}: StoredToken): TokenRecord => ({
  id,
  app,
  type,
  owner,
  data: decodeEntries(entries.flat()),
  version,
  createdAt: rotatedAt ?? toMs(createdAt),
  expiresAt,
  ...attributes,
});

/** Shallow: `null` deletes a key, other keys keep their text and place, new ones come last. */
export function merge(entries: Entry[], changes: object): Entry[] {
  const merged = new Map(entries);
  for (const [key, json] of encodeEntries(changes)) {
    if (json === 'null') merged.delete(key);
    else merged.set(key, json);
  }
  return [...merged];
}

const latestFirst = (a: ListPosition, b: ListPosition): number =>
  b.expiresAt - a.expiresAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

// Names hold no NUL.
const scopeKey = ({ app, type }: Scope): string => `${app}\0${type}`;
const ownerKey = (scope: Scope, owner: string): string => `${scopeKey(scope)}\0${owner}`;

function addTo(index: Index, key: string, token: StoredToken): void {
  const tokens = index.get(key);
  if (tokens) tokens.add(token);
  else index.set(key, new Set([token]));
}

/** True where the index is empty now. */
function removeFrom(index: Index, key: string, token: StoredToken): boolean {
  const tokens = index.get(key);
  tokens?.delete(token);
  return tokens?.size === 0 && index.delete(key);
}
