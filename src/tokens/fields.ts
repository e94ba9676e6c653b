/** The rules for each field of a command, once, as class-validator decorators. */
import { ValidateBy } from 'class-validator';
import { type DataProblem, dataProblem, kindOf } from './data.js';
import { REVOKERS } from './events.js';
import { ID_PATTERN } from './identity.js';
import { decodeOwnerCursor } from './owner-cursor.js';
import { MAX_PEPPERS } from './pepper.js';

const NAME_LENGTH = 256;
const TOKEN_LENGTH = 1_024;
const HINT_LENGTH = 64;
const REASON_LENGTH = 64;
const TEN_YEARS = 10 * 366 * 86_400;
const LIST_LIMIT = 10_000;
const PAGE_LIMIT = 1_000;
/** Tokens that an owner may be limited to: a create looks at each of them. */
const OWNER_LIMIT = 1_000;
/** Microseconds before this lie in 1973: whoever sends less has sent milliseconds. */
export const EARLIEST_STAMP = 1e14;

export const COMMAND_ID = /^[A-Za-z0-9._-]{1,128}$/;

type Rule = (value: unknown) => string | undefined;

/** @param schema what of the rule a JSON Schema can say, for producers in other languages. */
const decorator = (name: string, rule: Rule, schema: object) => (): PropertyDecorator =>
  ValidateBy({
    name,
    constraints: [schema],
    validator: {
      validate: (value) => rule(value) === undefined,
      defaultMessage: (args) => rule(args?.value) ?? '',
    },
  });

const must = (what: string, value: unknown): string =>
  value === undefined ? 'is missing' : `must be ${what}, got ${kindOf(value)}`;

function textProblem(value: unknown, length: number): string | undefined {
  if (typeof value !== 'string') return must('a string', value);
  if (value === '') return 'must not be empty';
  // Two code units make a character at most: what is longer need not be counted.
  if (value.length > 2 * length || (value.length > length && [...value].length > length))
    return `must have at most ${length} characters`;
  if (value.includes('\0')) return 'must not contain NUL';
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

/** What is wrong with a name (of an app, a type, an owner). */
export const nameProblem: Rule = (value) => textProblem(value, NAME_LENGTH);

/** What keeps a text from ever being a secret. */
export const secretProblem: Rule = (value) => textProblem(value, TOKEN_LENGTH);

export const commandIdProblem: Rule = (value) =>
  typeof value === 'string' && COMMAND_ID.test(value)
    ? undefined
    : must('1–128 of A–Z a–z 0–9 . _ -', value === undefined ? value : String(typeof value));

export const durationProblem: Rule = (value) => {
  if (typeof value !== 'number') return must('a number of seconds', value);
  if (!(value > 0)) return `must be more than 0 seconds, got ${value}`;
  return value <= TEN_YEARS
    ? undefined
    : `must be at most ten years (seconds, not milliseconds?), got ${value}`;
};

const idProblem: Rule = (value) =>
  typeof value === 'string' && ID_PATTERN.test(value) ? undefined : must('22 base64url characters', value);

const FORMER_IDS = MAX_PEPPERS - 1;
function formerIdsProblem(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.length > 0 && value.length <= FORMER_IDS;
  return isList && new Set(value).size === value.length && !value.some(idProblem)
    ? undefined
    : `must be 1 to ${FORMER_IDS} ids, each once`;
}

const stampProblem: Rule = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? undefined
    : must('a whole number of microseconds since the epoch', value);

const wholeUpTo =
  (most: number): Rule =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most
      ? undefined
      : `must be a whole number from 1 to ${most}`;

const ownerLimitProblem: Rule = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return must('{ max, overflow }', value);
  const { max, overflow, ...others } = value as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) return `has no ${JSON.stringify(other.slice(0, 64))}`;
  const problem = wholeUpTo(OWNER_LIMIT)(max);
  if (problem !== undefined) return `max ${problem}`;
  return overflow === undefined || overflow === 'reject' || overflow === 'end-oldest'
    ? undefined
    : 'overflow must be "reject" or "end-oldest"';
};

const positionProblem: Rule = (value) => {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) return must('a record', value);
  const { id, expiresAt } = value as { id?: unknown; expiresAt?: unknown };
  if (idProblem(id)) return `id ${idProblem(id)}`;
  return Number.isSafeInteger(expiresAt) && (expiresAt as number) >= 0
    ? undefined
    : 'expiresAt must be whole epoch milliseconds';
};

const describe = ({ path, problem }: DataProblem): string => (path ? `(at data${path}) ${problem}` : problem);

const dataRule: Rule = (value) => {
  const problem = value === undefined ? undefined : dataProblem(value);
  return value === undefined ? 'is missing' : problem && describe(problem);
};

const MAX_GRACE = 300;
const graceProblem: Rule = (value) => {
  if (typeof value !== 'number') return must('a number of seconds', value);
  return value >= 0 && value <= MAX_GRACE ? undefined : `must be 0 to ${MAX_GRACE} seconds, got ${value}`;
};

const NONCE = /^[A-Za-z0-9_-]{22,86}$/;
const nonceProblem: Rule = (value) =>
  typeof value === 'string' && NONCE.test(value)
    ? undefined
    : must('22–86 base64url characters: 16 random bytes or more', value);

const flagProblem: Rule = (value) => (typeof value === 'boolean' ? undefined : must('a boolean', value));

const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? undefined : rule(value);

const text = (length: number) => ({
  type: 'string',
  minLength: 1,
  maxLength: length,
  pattern: '^[^\\u0000]*$',
});
const NAME = text(NAME_LENGTH);
const ID = { type: 'string', pattern: ID_PATTERN.source };
const SECONDS = { type: 'number', exclusiveMinimum: 0, maximum: TEN_YEARS };
const FLAG = { type: 'boolean' };
const whole = (least: number, most?: number) => ({
  type: 'integer',
  minimum: least,
  ...(most === undefined ? {} : { maximum: most }),
});
const only = (properties: Record<string, object>, required: string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

export const IsName = decorator('name', nameProblem, NAME);
export const IsTokenId = decorator('id', idProblem, ID);
export const IsDuration = decorator('duration', durationProblem, SECONDS);
export const IsOptionalDuration = decorator('duration', optional(durationProblem), SECONDS);
export const IsGrace = decorator('grace', graceProblem, { type: 'number', minimum: 0, maximum: MAX_GRACE });
export const IsNonce = decorator('nonce', nonceProblem, { type: 'string', pattern: NONCE.source });
export const IsTokenData = decorator('data', dataRule, { type: 'object' });
export const IsStamp = decorator('stamp', stampProblem, {
  oneOf: [whole(EARLIEST_STAMP, Number.MAX_SAFE_INTEGER), { type: 'string', pattern: '^[1-9]\\d{14,15}$' }],
});
export const IsLimit = decorator('limit', wholeUpTo(LIST_LIMIT), whole(1, LIST_LIMIT));
export const IsPageLimit = decorator('page limit', wholeUpTo(PAGE_LIMIT), whole(1, PAGE_LIMIT));
export const IsPosition = decorator('position', positionProblem, {
  type: 'object',
  properties: { id: ID, expiresAt: whole(0, Number.MAX_SAFE_INTEGER) },
  required: ['id', 'expiresAt'],
});
export const IsFlag = decorator('flag', flagProblem, FLAG);

export const IsHint = decorator(
  'hint',
  optional((value) => textProblem(value, HINT_LENGTH)),
  text(HINT_LENGTH),
);
export const IsLabel = decorator('label', optional(nameProblem), NAME);

export const IsIdle = decorator('idle', optional(durationProblem), SECONDS);
export const IsOwnerLimit = decorator(
  'owner limit',
  optional(ownerLimitProblem),
  only({ max: whole(1, OWNER_LIMIT), overflow: { enum: ['reject', 'end-oldest'] } }, ['max']),
);
export const IsOptionalName = decorator('optional name', optional(nameProblem), NAME);
export const IsTouch = decorator('touch', optional(flagProblem), FLAG);
export const IsIfVersion = decorator(
  'version',
  optional((value) =>
    Number.isSafeInteger(value) && (value as number) >= 1
      ? undefined
      : must('a version: a whole number from 1 up', value),
  ),
  whole(1, Number.MAX_SAFE_INTEGER),
);
export const IsOwnerCursor = decorator(
  'cursor',
  optional((value) => (decodeOwnerCursor(value) ? undefined : must('the cursor of a page before', value))),
  { type: 'string', description: 'Of the page before.' },
);
/** Other ids of the same token, as other peppers make them. All begin alike: `checkCommand` sees to that. */
export const IsFormerIds = decorator('former ids', optional(formerIdsProblem), {
  type: 'array',
  items: ID,
  minItems: 1,
  maxItems: FORMER_IDS,
  uniqueItems: true,
});
export const IsOptionalTokenId = decorator('id', optional(idProblem), ID);
export const IsOptionalReason = decorator(
  'reason',
  optional((value) => textProblem(value, REASON_LENGTH)),
  text(REASON_LENGTH),
);
export const IsOptionalRevoker = decorator(
  'by',
  optional((value) =>
    (REVOKERS as readonly unknown[]).includes(value)
      ? undefined
      : `must be one of ${REVOKERS.join(', ')}, got ${typeof value === 'string' ? 'another text' : kindOf(value)}`,
  ),
  { enum: REVOKERS },
);

/** A duration in whole milliseconds, at least one: what the store can keep. */
export const durationMs = (seconds: number): number => Math.max(1, Math.round(seconds * 1_000));
