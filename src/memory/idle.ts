/** The idle time of tokens in memory: by the same rules as the scripts. */
import type { TokenAttributes } from '../tokens/attributes.js';
import type { Microseconds } from '../tokens/clock.js';
import { durationMs } from '../tokens/fields.js';
import { type StoredToken, toMs } from './records.js';
import { endOfLife, type Run } from './timing.js';

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
  return idleFrom(used, token);
}

/** When a token dies whose idle time begins anew then, up to its ceiling. What comes late shortens nothing. @param begun in ms */
export function idleFrom(begun: number, token: StoredToken): number {
  const attributes = idleOf(token);
  if (!attributes) return token.expiresAt;
  const ends = Math.min(attributes.absoluteExpiresAt, begun + durationMs(attributes.idle));
  return Math.max(token.expiresAt, ends);
}

/** Sets a token's ceiling to so many seconds from when the command was issued, and begins its idle time anew. */
export function prolong(token: StoredToken, issuedAt: Microseconds, duration: number, run: Run): void {
  const life = durationMs(duration);
  const ceiling = run.job ? endOfLife(issuedAt, life, run) : run.nowMs + life;
  const expiresAt = refreshed(token, ceiling, ceiling - life);
  // One that waited never shortens what a later one has set.
  const isOutdone = run.job !== undefined && issuedAt < token.refreshedAt;
  token.expiresAt = isOutdone ? Math.max(expiresAt, token.expiresAt) : expiresAt;
  setCeiling(token, ceiling, isOutdone);
  token.refreshedAt = Math.max(token.refreshedAt, issuedAt);
}

/** When a token dies whose ceiling is set anew. @param begun when its time begins anew, in ms. */
function refreshed(token: StoredToken, ceiling: number, begun: number): number {
  const attributes = idleOf(token);
  if (!attributes) return ceiling;
  return Math.min(ceiling, Math.max(begun, attributes.lastUsedAt ?? 0) + durationMs(attributes.idle));
}

function setCeiling(token: StoredToken, ceiling: number, isLater: boolean): void {
  const attributes = idleOf(token);
  if (attributes)
    attributes.absoluteExpiresAt = isLater ? Math.max(attributes.absoluteExpiresAt, ceiling) : ceiling;
}
