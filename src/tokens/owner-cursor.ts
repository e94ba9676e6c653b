/** Where a walk over the owners of a scope goes on, as callers hold it: a text that tells them nothing. */

/** A place in the store's own walk over a shard, and where it is within what one step of that walk found. */
export interface OwnerPlace {
  shard: number;
  /** Where the step begins. */
  from: string;
  /** Where the next one would, as it was told then: another answer tells that the store has moved things. */
  next?: string;
  /** The last owner of that step that was given. */
  after?: string;
}

const LONGEST = 8_192;
const NUMBER = /^\d{1,20}$/;
const MAX_NUMBER = 2n ** 64n - 1n; // that of Redis

export function encodeOwnerCursor({ shard, from, next, after }: OwnerPlace): string {
  const parts = next === undefined ? [shard, from] : [shard, from, next, after];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The place, or `undefined` for what was never given as a cursor. */
export function decodeOwnerCursor(cursor: unknown): OwnerPlace | undefined {
  if (typeof cursor !== 'string' || cursor.length > LONGEST) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts) || (parts.length !== 2 && parts.length !== 4)) return undefined;
    const [shard, from, next, after] = parts;
    if (!Number.isInteger(shard) || shard < 0 || !isNumber(from)) return undefined;
    if (parts.length === 2) return { shard, from };
    return isNumber(next) && typeof after === 'string' ? { shard, from, next, after } : undefined;
  } catch {
    return undefined;
  }
}

const isNumber = (value: unknown): value is string =>
  typeof value === 'string' && NUMBER.test(value) && BigInt(value) <= MAX_NUMBER;
