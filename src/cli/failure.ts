/** How a failure is told: in words, or with --json as JSON; never with a token. */
import { CommanderError } from 'commander';
import { printable } from '../service/printable.js';
import { explainConfigError, type GivenSettings } from '../service/settings.js';
import {
  ConfigError,
  ResultTimeoutError,
  StoreUnavailableError,
  TokenError,
  ValidationError,
  VersionConflictError,
} from '../tokens/errors.js';
import { shownField, shownProblem } from './fields.js';
import { UsageError } from './usage-error.js';

export function tellFailure(error: unknown, json: boolean, given: GivenSettings): void {
  const text = json ? JSON.stringify({ error: describe(error, given) }) : inWords(error, given);
  process.stderr.write(`${text}\n`);
}

function inWords(error: unknown, given: GivenSettings): string {
  if (error instanceof ValidationError) {
    const fields = error.fields.map(
      (wrong) => `  ${printable(`${shownField(wrong.field)} ${shownProblem(wrong)}`)}`,
    );
    return ['redis-tokens: this can not be done:', ...fields].join('\n');
  }
  const { message } = describe(error, given);
  return `redis-tokens: ${printable(message.replaceAll(/\s+/g, ' '))}${hint(error)}`;
}

function hint(error: unknown): string {
  if (error instanceof ResultTimeoutError) return ' (is a worker running? `redis-tokens health` tells)';
  if (error instanceof StoreUnavailableError && error.outcome === 'unknown')
    return ' (it may have been done)';
  return '';
}

function describe(
  error: unknown,
  given: GivenSettings,
): { code: string; message: string } & Record<string, unknown> {
  if (error instanceof ValidationError) {
    const fields = error.fields.map((wrong) => ({
      field: wrong.field,
      option: shownField(wrong.field),
      problem: shownProblem(wrong),
    }));
    return { code: error.code, message: error.message, fields };
  }
  if (error instanceof ConfigError) return { code: error.code, message: explainConfigError(error, given) };
  if (error instanceof StoreUnavailableError) {
    return { code: error.code, message: error.message, outcome: error.outcome };
  }
  if (error instanceof VersionConflictError) {
    return { code: error.code, message: error.message, currentVersion: error.currentVersion };
  }
  if (error instanceof ResultTimeoutError) {
    return { code: error.code, message: error.message, receipt: error.receipt };
  }
  if (error instanceof CommanderError) return { code: 'USAGE', message: withoutArguments(error.message) };
  const message = error instanceof Error ? error.message || error.name : String(error);
  return {
    code: error instanceof TokenError || error instanceof UsageError ? error.code : 'INTERNAL',
    message,
  };
}

/**
 * Of what a user typed only the name of an option is told again, and what looks like a command's: the rest may be a token
 * in the wrong place.
 */
function withoutArguments(message: string): string {
  const command = /^error: (unknown command '[a-z-]{1,16}')/.exec(message)?.[1];
  if (command !== undefined) return `${command}; --help lists what there is`;
  return message
    .replace(/^error: /, '')
    .replace(/^(unknown \w+) '(--[a-z-]+)?.*'/s, (_, what: string, option?: string) =>
      option ? `${what} '${option}'` : what,
    )
    .replace(/ (argument|value) '.*' is invalid/s, ' $1 is invalid');
}
