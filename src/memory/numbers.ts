/** How many tokens there are in memory, and whose. */

import type { Commands } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { decodeOwnerCursor, encodeOwnerCursor } from '../tokens/owner-cursor.js';
import type { OwnersPage } from '../tokens/types.js';
import type { StoredToken } from './records.js';

/** The owners of live tokens, by name. */
export function ownersPage({ cursor, limit }: Commands['owners'], live: readonly StoredToken[]): OwnersPage {
  const place = cursor === undefined ? { shard: 0, after: undefined } : decodeOwnerCursor(cursor);
  if (!place || place.shard > 0)
    throw new ValidationError('owners', [{ field: 'cursor', problem: 'is none of this deployment' }]);
  const counts = new Map<string, number>();
  for (const { owner } of live) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const { after } = place;
  const rest = [...counts].sort(byName).filter(([owner]) => after === undefined || owner > after);
  const owners = rest.slice(0, limit).map(([owner, count]) => ({ owner, count }));
  const last = owners.at(-1)?.owner as string;
  return {
    owners,
    cursor:
      rest.length > owners.length
        ? encodeOwnerCursor({ shard: 0, from: '0', next: '0', after: last })
        : undefined,
  };
}

const byName = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : a > b ? 1 : 0);
