/** How long a token may go without use: `duration` is the ceiling of its life, `idle` the time without use. */
import { attributesOf, type TokenAttributes } from './attributes.js';
import type { Microseconds } from './clock.js';
import { durationMs } from './fields.js';
import type { Scope } from './types.js';

/** The part of its idle time within which a token's uses are written down once. */
export const DEFAULT_TOUCH_EVERY = 0.1;

/** A use of a token, to be written down. */
export interface TokenUse extends Scope {
  /** The token's. */
  id: string;
  /** When it was used. */
  usedAt: Microseconds;
  /** Milliseconds since the use before, as it was written down, within which another is not. */
  every: number;
}

/** What of a create decides how long its token lives. */
interface Life {
  duration: number;
  idle?: number | undefined;
}

/** Milliseconds that a token lives where nobody uses it. */
export const unusedLifeMs = ({ duration, idle }: Life): number =>
  idle === undefined ? durationMs(duration) : Math.min(durationMs(duration), durationMs(idle));

/** What a token has besides its data when it is made. @param expiresAt when it dies where nobody uses it. */
export function attributesAtBirth(
  command: Life & { hint?: string | undefined; label?: string | undefined },
  expiresAt: number,
): TokenAttributes | undefined {
  const attributes = attributesOf(command);
  if (attributes?.idle !== undefined)
    attributes.absoluteExpiresAt = expiresAt - unusedLifeMs(command) + durationMs(command.duration);
  return attributes;
}
