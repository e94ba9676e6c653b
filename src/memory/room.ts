/** How many tokens an owner may have: what has to end so that there is room for one more. */
import { LimitExceededError } from '../tokens/errors.js';
import type { OwnerLimit } from '../tokens/types.js';
import type { StoredToken } from './records.js';

/** Tokens that a create looks at. */
const LOOKED_AT = 2_000;

/**
 * The oldest of an owner's live tokens, as many as are too many.
 * @throws {LimitExceededError} where none is to end, or there are too many to look at.
 */
export function oldestBeyond({ max, overflow }: OwnerLimit, live: readonly StoredToken[]): StoredToken[] {
  const excess = live.length - max + 1;
  if (excess <= 0) return [];
  if (overflow !== 'end-oldest' || live.length > LOOKED_AT) throw new LimitExceededError();
  return [...live].sort(oldestFirst).slice(0, excess);
}

const oldestFirst = (a: StoredToken, b: StoredToken): number =>
  a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
