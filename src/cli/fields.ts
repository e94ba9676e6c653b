/** The options that fill in an operation's input. Texts become values here; whether they fit is the library's to say. */
import { text } from 'node:stream/consumers';
import { Option } from 'commander';
import type { FieldProblem } from '../tokens/errors.js';
import { REVOKERS } from '../tokens/events.js';
import { UsageError } from './usage-error.js';

export type Field =
  | 'app'
  | 'type'
  | 'owner'
  | 'token'
  | 'id'
  | 'data'
  | 'duration'
  | 'grace'
  | 'idle'
  | 'customToken'
  | 'hint'
  | 'label'
  | 'limit'
  | 'max'
  | 'overflow'
  | 'ifVersion'
  | 'touch'
  | 'cursor'
  | 'after'
  | 'except'
  | 'reason'
  | 'by';

interface FieldOption {
  /** As on the command line; the token of an operation on one is its argument. */
  flags: string;
  help: string;
  /** What it must be, where texts are taken that the library takes not. */
  forms?: string;
  /** What there is to choose from: for help and completion, for whether it fits is the library's to say. */
  choices?: readonly string[];
  read(text: string): unknown;
}

const asText = (value: string): string => value;

export const DURATION_FORMS = 'seconds, or such as 90s, 15m, 12h, 7d';

export const FIELDS: Record<Field, FieldOption> = {
  app: { flags: '--app <name>', help: 'application that the token is for', read: asText },
  type: { flags: '--type <name>', help: 'type of token, such as session', read: asText },
  owner: { flags: '--owner <name>', help: 'whom the token belongs to', read: asText },
  token: {
    flags: '<token>',
    help: 'the token, or - to read it from standard input: arguments can be seen by other users of this machine',
    read: readToken,
  },
  data: { flags: '--data <json>', help: 'a JSON object', read: readJson },
  duration: {
    flags: '--duration <time>',
    help: `how long it lives from now: ${DURATION_FORMS}`,
    forms: DURATION_FORMS,
    read: readDuration,
  },
  customToken: {
    flags: '--token <token>',
    help: 'a token of your own, or - to read it from standard input (default: a generated one)',
    read: readToken,
  },
  grace: {
    flags: '--grace <time>',
    help: `for how long rotating it again gives the same successor (default: 0s; at most 5m): ${DURATION_FORMS}`,
    forms: DURATION_FORMS,
    read: readDuration,
  },
  id: { flags: '--id <id>', help: "a token's id, in place of the token", read: asText },
  except: {
    flags: '--except <token>',
    help: 'a token that stays, or - to read it from standard input',
    read: readToken,
  },
  reason: { flags: '--reason <text>', help: 'what the event is to tell as the reason', read: asText },
  by: { flags: '--by <whom>', help: 'by whom the event is to tell', choices: REVOKERS, read: asText },
  idle: {
    flags: '--idle <time>',
    help: `how long it lives without use, up to its duration: ${DURATION_FORMS}`,
    forms: DURATION_FORMS,
    read: readDuration,
  },
  hint: { flags: '--hint', help: 'show its prefix and last four characters in lists', read: asText },
  label: { flags: '--label <text>', help: 'what it is called in lists', read: asText },
  limit: {
    flags: '--limit <count>',
    help: 'how many at most (default: 1000, of owners 100)',
    read: readNumber,
  },
  max: {
    flags: '--limit <count>',
    help: 'how many live tokens the owner may have, this one included (default: any number)',
    read: readNumber,
  },
  overflow: {
    flags: '--overflow <what>',
    help: 'what happens beyond --limit, by default reject',
    choices: ['reject', 'end-oldest'],
    read: asText,
  },
  ifVersion: { flags: '--if-version <version>', help: 'only where it has this version', read: readNumber },
  touch: { flags: '--no-touch', help: 'look at it without using it: its idle time goes on', read: asText },
  after: {
    flags: '--after <id:expiry>',
    help: 'go on after this token: its id and its expiry in milliseconds, as the page before told',
    read: readPosition,
  },
  cursor: { flags: '--cursor <text>', help: 'where the page before told to go on', read: asText },
};

export const isArgument = (field: Field): boolean => FIELDS[field].flags.startsWith('<');

/** The field's option as commander takes it. */
export function optionOf(field: Field): Option {
  const { flags, help, choices } = FIELDS[field];
  const option = new Option(flags, help);
  if (choices) option.argChoices = [...choices];
  return option;
}

/** What a field is called on the command line; a path inside it, or a field that is none of these, stays as it is. */
export function shownField(field: string): string {
  const known = Object.hasOwn(FIELDS, field) ? FIELDS[field as Field] : undefined;
  return known?.flags.split(' ')[0] ?? field;
}

/** What is wrong with a field: the library does not know of the texts that are taken here. */
export function shownProblem({ field, problem }: FieldProblem): string {
  const forms = Object.hasOwn(FIELDS, field) ? FIELDS[field as Field].forms : undefined;
  return forms !== undefined && problem.endsWith('got a string') ? `must be ${forms}` : problem;
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

export function readDuration(value: string): unknown {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(value) ?? [];
  return unit === undefined ? readNumber(value) : Number(count) * SECONDS[unit as keyof typeof SECONDS];
}

/** The time since which it is: epoch milliseconds. @throws {UsageError} */
export function readSince(since: string): number {
  const seconds = readDuration(since);
  if (typeof seconds === 'number' && seconds >= 0)
    return Math.max(0, Math.floor(Date.now() - seconds * 1_000));
  throw new UsageError(`--since must be ${DURATION_FORMS}`);
}

/** @throws {UsageError} */
export function readLimit(limit: string | undefined): number | undefined {
  if (limit !== undefined && !/^[1-9]\d{0,6}$/.test(limit))
    throw new UsageError('--limit must be a whole number from 1 up');
  return limit === undefined ? undefined : Number(limit);
}

/** Where a list goes on; with its expiry, as the token itself may be gone. */
function readPosition(value: string): { id: string; expiresAt: number } {
  const [, id, expiresAt] = /^([\w-]+):(\d{1,16})$/.exec(value) ?? [];
  if (id !== undefined) return { id, expiresAt: Number(expiresAt) };
  throw new UsageError(
    "--after must be a token's id and its expiry in milliseconds, with a colon between them",
  );
}

/** What is no number stays a text, which the library refuses in its own words. */
function readNumber(value: string): unknown {
  return value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : value;
}

function readJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // The parser's message would show part of the data.
    throw new UsageError('--data is not well-formed JSON');
  }
}

/** A file that holds more than the token would read as a token that is not found: it might live on unnoticed. */
async function readToken(value: string): Promise<string> {
  if (value !== '-') return value;
  const line = (await text(process.stdin)).replace(/[\r\n]+$/, '');
  if (line !== '' && !/[\r\n]/.test(line)) return line;
  const held = line === '' ? 'is empty' : 'holds more than one line';
  throw new UsageError(
    `standard input ${held}: it must hold the token alone, as create --token-only prints it`,
  );
}
