/** The record as it stands in Redis: `[app,type,owner,version,createdAt,expiresAt,refreshedAt,{…},k1,json1,…]`. */
import { passAttributes, type TokenAttributes } from '../tokens/attributes.js';
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import { decodeEntries, encodeEntries } from '../tokens/data.js';
import { CommandFailedError } from '../tokens/errors.js';
import type { Scope, TokenRecord } from '../tokens/types.js';

/** Where the data begins in it, or else what the token has besides. */
const ENTRIES = 7;

type Stored = [
  app: string,
  type: string,
  owner: string,
  version: number,
  createdAt: number,
  expiresAt: number,
  refreshedAt: number,
  ...rest: (string | TokenAttributes)[],
];

/** The end of a record: `,"k1","json1",…]`. */
export function encodeTail(data: object): string {
  let tail = '';
  for (const [key, json] of encodeEntries(data)) tail += `,${JSON.stringify(key)},${JSON.stringify(json)}`;
  return `${tail}]`;
}

/** What a token has besides its data, as it stands in a record: `,{…}`, or nothing. */
export function encodeAttributes(attributes: TokenAttributes | undefined): string {
  if (!attributes) return '';
  const parts = Object.entries(attributes).map(
    ([name, value]) => `"${name}":${typeof value === 'number' ? value : `"${encodeURIComponent(value)}"`}`,
  );
  return `,{${parts.join(',')}}`;
}

/** Keys and JSON texts of changes, one after the other; an empty text deletes. */
export const encodeChanges = (changes: object): string[] =>
  encodeEntries(changes).flatMap(([key, json]) => [key, json === 'null' ? '' : json]);

/**
 * A stored record, or `undefined` where it belongs to another scope.
 * @param life when the record meant was created: another life of the same id is not it.
 * @throws {CommandFailedError} where it can not be read.
 */
export function decodeRecord(
  id: string,
  text: string,
  scope: Scope,
  life?: Microseconds,
): TokenRecord | undefined {
  try {
    return decode(id, JSON.parse(text), scope, life);
  } catch {
    throw unreadable();
  }
}

function decode(
  id: string,
  stored: Stored,
  scope: Scope,
  life: Microseconds | undefined,
): TokenRecord | undefined {
  const [app, type, owner, version, createdAt, expiresAt] = stored;
  if (app !== scope.app || type !== scope.type || (life !== undefined && life !== createdAt))
    return undefined;
  // Whoever is told of a token without an owner, or an end, would take it for one that has all rights, and for ever.
  if (
    typeof owner !== 'string' ||
    !Number.isFinite(version) ||
    !Number.isFinite(createdAt) ||
    !Number.isFinite(expiresAt)
  )
    throw unreadable();
  const attributes = stored[ENTRIES];
  const hasAttributes = typeof attributes === 'object';
  const record: TokenRecord = {
    id,
    app,
    type,
    owner,
    data: decodeEntries(stored, hasAttributes ? ENTRIES + 1 : ENTRIES),
    version,
    createdAt: toMs(createdAt),
    expiresAt,
  };
  if (!hasAttributes) return record;
  const { rotated } = decodeTexts(attributes);
  if (rotated !== undefined) record.createdAt = rotated;
  passAttributes(attributes, record);
  return record;
}

/**
 * Whether a text stands in the place of a record: for a token that was rotated, `[0,app,type,owner,version,family,successor,
 * graceEnds]`, or for one that has moved to another id, `[0,app,type,id,since]`.
 */
export const isMarker = (text: string): boolean => text.startsWith('[0,');

/** Under which id a token lies that has moved; `undefined` for any other text, and in another scope. */
export function movedTo(marker: string, scope: Scope): string | undefined {
  const head = `[0,${JSON.stringify(scope.app)},${JSON.stringify(scope.type)},`;
  return marker.startsWith(head) ? /^"([\w-]{22})",\d+\]$/.exec(marker.slice(head.length))?.[1] : undefined;
}

/** When the grace of a rotated token was over. @throws {CommandFailedError} where its marker can not be read. */
export function graceEnds(marker: string): Microseconds {
  const end = /,(\d+)\]$/.exec(marker)?.[1];
  if (end === undefined) throw unreadable();
  return Number(end);
}

/** Without a word of the text, which may be anybody's. */
const unreadable = () =>
  new CommandFailedError('the record can not be read: `redis-tokens doctor` tells more');

/** Texts as they were given. Of what came from JSON, and is nobody else's. */
function decodeTexts(attributes: TokenAttributes): TokenAttributes {
  for (const name in attributes) {
    const value = attributes[name as keyof TokenAttributes];
    const kind = KINDS[name as keyof TokenAttributes];
    if (kind !== undefined && (typeof value !== kind || value === Number.POSITIVE_INFINITY))
      throw unreadable(); // a name of later versions is theirs to read
    if (typeof value === 'string' && value.includes('%'))
      (attributes as Record<string, unknown>)[name] = decodeURIComponent(value);
  }
  return attributes;
}

const KINDS: Record<keyof TokenAttributes, 'string' | 'number'> = {
  hint: 'string',
  label: 'string',
  idle: 'number',
  absoluteExpiresAt: 'number',
  lastUsedAt: 'number',
  spared: 'number',
  family: 'string',
  former: 'string',
  rotated: 'number',
};

export const toMs = (micros: number): number => Math.floor(micros / MICROS_PER_MS);
