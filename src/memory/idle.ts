/** The idle time of tokens in memory: by the same rules as the scripts. */
import type { TokenAttributes } from '../tokens/attributes.js';
import type { Microseconds } from '../tokens/clock.js';
import { durationMs } from '../tokens/fields.js';
import { type StoredToken, toMs } from './records.js';

type Idle = TokenAttributes & { idle: number; absoluteExpiresAt: number };

/** What a token has besides its data, where use counts for it. */
const idleOf = ({ attributes }: StoredToken): Idle | undefined =>
  attributes?.idle === undefined ? undefined : (attributes as Idle);

/** When a token dies that was used then; `undefined` where the use is not to be written down. */
export function touched(token: StoredToken, usedAt: Microseconds, every: number): number | undefined {
  const attributes = idleOf(token);
  const used = toMs(usedAt);
  if (!attributes || (attributes.lastUsedAt !== undefined && used - attributes.lastUsedAt < every))
    return undefined;
  attributes.lastUsedAt = used;
  // A use that is told late never shortens what a refresh has set.
  return Math.max(
    token.expiresAt,
    Math.min(attributes.absoluteExpiresAt, used + durationMs(attributes.idle)),
  );
}

/** When a token dies whose ceiling is set anew. @param begun when its time begins anew, in ms. */
export function refreshed(token: StoredToken, ceiling: number, begun: number): number {
  const attributes = idleOf(token);
  if (!attributes) return ceiling;
  return Math.min(ceiling, Math.max(begun, attributes.lastUsedAt ?? 0) + durationMs(attributes.idle));
}

export function setCeiling(token: StoredToken, ceiling: number, isLater: boolean): void {
  const attributes = idleOf(token);
  if (attributes)
    attributes.absoluteExpiresAt = isLater ? Math.max(attributes.absoluteExpiresAt, ceiling) : ceiling;
}
