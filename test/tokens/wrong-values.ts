// For each field of each operation: a value that is right, and many that are wrong.
import type { Operation } from '../../src/tokens/types.js';

const cycle: Record<string, unknown> = {};
cycle.self = { cycle };

/** Of any type but a string. */
const NO_TEXT = {
  null: null,
  'a number': 7,
  zero: 0,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'a boolean': true,
  'an array': ['shop'],
  'an object': { toString: () => 'shop' },
  'a boxed string': Object('shop'),
  'a bigint': 1n,
  'a symbol': Symbol('shop'),
  'a function': () => 'shop',
  'a cycle': cycle,
};

const MISSING = { nothing: undefined };

const noText = (length: number) => ({
  ...NO_TEXT,
  'the empty string': '',
  [`${length + 1} characters`]: 'x'.repeat(length + 1),
  [`${length + 1} emoji`]: '🙂'.repeat(length + 1),
  'a lone high surrogate': 'a\ud800',
  'a lone low surrogate': '\udc00b',
  NUL: 'a\0b',
});

const NO_DURATION = {
  null: null,
  text: '60',
  'the empty string': '',
  zero: 0,
  'minus zero': -0,
  negative: -1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  'more than ten years': 10 * 366 * 86_400 + 1,
  'a time in milliseconds': Date.now(),
  'a boolean': true,
  'an array': [60],
  'an object': { valueOf: () => 60 },
  'a boxed number': Object(60),
  'a bigint': 60n,
  'a symbol': Symbol('60'),
};

const NO_DATA = {
  null: null,
  text: '{}',
  'a number': 1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'a boolean': false,
  'an array': [],
  'a Map': new Map(),
  'a Date': new Date(),
  'a function': () => ({}),
  'a bigint': 1n,
  'a bigint inside': { a: { b: [1n] } },
  'NaN inside': { a: Number.NaN },
  'a Date inside': { a: [new Date()] },
  'a cycle': cycle,
  'a key with a lone surrogate': { '\ud800': 1 },
  'too large': { a: 'x'.repeat(65_536) },
  'too large in bytes': { a: 'ü'.repeat(32_768) },
};

const NO_LIMIT = {
  null: null,
  zero: 0,
  negative: -1,
  'a fraction': 1.5,
  'too many': 10_001,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  text: '10',
  'an array': [10],
  'a bigint': 10n,
};

const NO_GRACE = {
  null: null,
  text: '10',
  negative: -1,
  'more than five minutes': 300.1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'a boolean': true,
  'an array': [10],
  'a boxed number': Object(10),
  'a bigint': 10n,
};

const ID = 'A'.repeat(22);
const NO_POSITION = {
  null: null,
  text: ID,
  'a number': 1,
  'an array': [],
  'an empty object': {},
  'no expiry': { id: ID },
  'no id': { expiresAt: 1 },
  'an id of 21 characters': { id: ID.slice(1), expiresAt: 1 },
  'an id of other characters': { id: `${ID.slice(1)}+`, expiresAt: 1 },
  'an id that is an array': { id: [ID], expiresAt: 1 },
  'a negative expiry': { id: ID, expiresAt: -1 },
  'a fraction of a millisecond': { id: ID, expiresAt: 1.5 },
  'NaN as expiry': { id: ID, expiresAt: Number.NaN },
  'a bigint as expiry': { id: ID, expiresAt: 1n },
};

const NAME = { ...MISSING, ...noText(256) };
const TOKEN = { ...MISSING, ...NO_TEXT };
const CUSTOM = {
  ...noText(1_024),
  'a generated token gone wrong': `rt_${'x'.repeat(49)}`,
  'a bare prefix': 'rt_',
};
const DURATION = { ...MISSING, ...NO_DURATION };
const SCOPE = { app: NAME, type: NAME };

/** By operation and field: what it must refuse. */
export const WRONG: Record<Operation, Record<string, Record<string, unknown>>> = {
  create: { ...SCOPE, owner: NAME, data: NO_DATA, duration: DURATION, customToken: CUSTOM },
  get: { ...SCOPE, token: TOKEN },
  update: { ...SCOPE, token: TOKEN, data: { ...MISSING, ...NO_DATA } },
  refresh: { ...SCOPE, token: TOKEN, duration: DURATION },
  rotate: { ...SCOPE, token: TOKEN, duration: NO_DURATION, grace: NO_GRACE },
  delete: { ...SCOPE, token: TOKEN },
  deleteAll: { ...SCOPE, owner: NAME },
  list: { ...SCOPE, owner: NAME, limit: NO_LIMIT, after: NO_POSITION },
};

const VALUES: Record<string, unknown> = {
  app: 'shop',
  type: 'session',
  owner: 'ann',
  token: 'a token of the caller',
  data: { a: 1 },
  duration: 60,
  customToken: 'a token of the caller',
  limit: 10,
  grace: 10,
  after: { id: ID, expiresAt: 1 },
};

/** An input with which nothing is wrong. */
export const rightInput = (op: Operation): Record<string, unknown> =>
  Object.fromEntries(Object.keys(WRONG[op]).map((field) => [field, VALUES[field]]));
