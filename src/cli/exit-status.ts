/** Exit statuses: what a script may rely on. */
import { CommanderError } from 'commander';
import { StoreUnavailableError, TokenError } from '../tokens/errors.js';
import { UsageError } from './usage-error.js';

export const DONE = 0;
export const NOT_FOUND = 1;
export const BAD_INPUT = 2;
export const UNREACHABLE = 3;
export const FAILED = 4;

export const EXIT_STATUS_HELP = `
Exit status:
  ${DONE}  done
  ${NOT_FOUND}  not found: the token is missing, expired or revoked (health: no worker;
     dead-letters: no such job; doctor: something is wrong; migrate: some tokens can not be moved)
  ${BAD_INPUT}  wrong input or settings, more tokens than --limit, another version than --if-version, or no deployment for
     queue, dead-letters, events or doctor; nothing was done (dead-letters retry: no worker can read the job)
  ${UNREACHABLE}  Redis can not be reached, or refuses
  ${FAILED}  anything else, such as no result in time, a change that too few replicas have, or only a part of it
     done (migrate, doctor: stopped)`;

/** Nothing was done, and the same again would do no more. */
const BAD_INPUT_CODES = [
  ...['VALIDATION', 'CONFIG', 'TOKEN_EXISTS', 'COMMAND_CONFLICT'],
  ...['LIMIT_EXCEEDED', 'VERSION_CONFLICT'],
];

export function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError || error instanceof UsageError) return BAD_INPUT;
  if (error instanceof StoreUnavailableError) return UNREACHABLE;
  return error instanceof TokenError && BAD_INPUT_CODES.includes(error.code) ? BAD_INPUT : FAILED;
}
