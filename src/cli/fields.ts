/** The options that fill in an operation's input. Texts become values here; whether they fit is the library's to say. */
import { text } from 'node:stream/consumers';
import { Option } from 'commander';
import type { FieldProblem } from '../tokens/errors.js';
import { UsageError } from './usage-error.js';

export type Field =
  | 'app'
  | 'type'
  | 'owner'
  | 'token'
  | 'data'
  | 'duration'
  | 'customToken'
  | 'limit'
  | 'grace';

interface FieldOption {
  /** As on the command line; the token of an operation on one is its argument. */
  flags: string;
  help: string;
  /** What it must be, where texts are taken that the library takes not. */
  forms?: string;
  read(text: string): unknown;
}

const asText = (value: string): string => value;

const DURATION_FORMS = 'seconds, or such as 90s, 15m, 12h, 7d';

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
  limit: { flags: '--limit <count>', help: 'how many at most (default: 1000)', read: readNumber },
};

export const isArgument = (field: Field): boolean => FIELDS[field].flags.startsWith('<');

/** The field's option as commander takes it. */
export const optionOf = (field: Field): Option => new Option(FIELDS[field].flags, FIELDS[field].help);

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

function readDuration(value: string): unknown {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(value) ?? [];
  return unit === undefined ? readNumber(value) : Number(count) * SECONDS[unit as keyof typeof SECONDS];
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
