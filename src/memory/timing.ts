/** From when and until when a command counts. */
import { MICROS_PER_MS, MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';
import { type Command, isRevocation } from '../tokens/commands.js';
import { CommandExpiredError, ValidationError } from '../tokens/errors.js';
import type { Attempt } from '../tokens/repository.js';
import type { StoredToken } from './records.js';

/** The attempt at a command that is being run: the moment, and what its events tell. */
export interface Run extends Attempt {
  now: Microseconds;
  nowMs: number;
}

/** How far a sender's clock may be ahead. */
const AHEAD: Microseconds = 5 * MICROS_PER_SECOND;

/** How much younger than a command its token may be: the error of the reckoned clocks. */
const CLOCK_ERROR: Microseconds = MICROS_PER_MS;

/** Whether a token can be the one that a command was issued for, and not a later life of its id. */
export const isMeantBy = (
  { issuedAt }: Pick<Command, 'issuedAt'>,
  { createdAt }: StoredToken,
  { now }: Run,
): boolean => createdAt <= issuedAt + CLOCK_ERROR || createdAt > now; // one that is yet to come: its creator is ahead

/** When a life of so many ms ends, in ms, that begins when the command was issued: waiting in a queue counts. */
export const endOfLife = (issuedAt: Microseconds, life: number, { now }: Run): number =>
  Math.floor(Math.min(issuedAt, now) / MICROS_PER_MS) + life;

/** The moment from which a revocation counts: one that runs in process, from now on at the earliest. */
export function revocationTime(issuedAt: Microseconds, { job, now }: Run): Microseconds {
  if (issuedAt > now + AHEAD) return now;
  return job ? issuedAt : Math.max(issuedAt, now);
}

/** Revocations are never too old, and count from now on where they are ahead. @throws {ValidationError} {CommandExpiredError} */
export function checkAge({ op, issuedAt }: Command, { now }: Run, maxAge: Microseconds): void {
  if (isRevocation(op)) return;
  if (issuedAt > now + AHEAD) {
    const problem = `is more than ${AHEAD / MICROS_PER_SECOND} seconds ahead of the store's clock`;
    throw new ValidationError(op, [{ field: 'issuedAt', problem }]);
  }
  if (now - issuedAt > maxAge) throw new CommandExpiredError();
}
