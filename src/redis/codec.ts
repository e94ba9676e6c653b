/** The record as it stands in Redis: `[app,type,owner,version,createdAt,expiresAt,refreshedAt,k1,json1,…]`. */
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import { decodeEntries, encodeEntries } from '../tokens/data.js';
import type { Scope, TokenRecord } from '../tokens/types.js';

type Stored = [
  app: string,
  type: string,
  owner: string,
  version: number,
  createdAt: number,
  expiresAt: number,
  refreshedAt: number,
  ...entries: string[],
];

/** The end of a record: `,"k1","json1",…]`. */
export function encodeTail(data: object): string {
  const text = JSON.stringify(encodeEntries(data).flat());
  return text === '[]' ? ']' : `,${text.slice(1)}`;
}

/** Keys and JSON texts of changes, one after the other; an empty text deletes. */
export const encodeChanges = (changes: object): string[] =>
  encodeEntries(changes).flatMap(([key, json]) => [key, json === 'null' ? '' : json]);

/**
 * A stored record, or `undefined` where it belongs to another scope.
 * @param life when the record meant was created: another life of the same id is not it.
 */
export function decodeRecord(
  id: string,
  text: string,
  scope: Scope,
  life?: Microseconds,
): TokenRecord | undefined {
  const [app, type, owner, version, createdAt, expiresAt, , ...entries] = JSON.parse(text) as Stored;
  if (app !== scope.app || type !== scope.type || (life !== undefined && life !== createdAt))
    return undefined;
  return {
    id,
    app,
    type,
    owner,
    data: decodeEntries(pairs(entries)),
    version,
    createdAt: toMs(createdAt),
    expiresAt,
  };
}

export const toMs = (micros: number): number => Math.floor(micros / MICROS_PER_MS);

function* pairs(flat: string[]): Generator<[string, string]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string];
}
