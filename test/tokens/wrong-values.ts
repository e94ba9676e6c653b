// For each field of each operation: a value that is right, and many that are wrong.
import type { Operation } from '../../src/tokens/operations.js';

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

const NO_PAGE_LIMIT = { ...NO_LIMIT, 'too many': 1_001 };

const NO_OWNER_LIMIT = {
  null: null,
  'a number': 5,
  text: '5',
  'an array': [5],
  'an empty object': {},
  'no number': { max: '5' },
  zero: { max: 0 },
  'a fraction': { max: 1.5 },
  'too many': { max: 1_001 },
  NaN: { max: Number.NaN },
  'a bigint': { max: 5n },
  'another way': { max: 5, overflow: 'end-newest' },
  'no way': { max: 5, overflow: null },
  'a way that is an array': { max: 5, overflow: ['reject'] },
  'a field too many': { max: 5, min: 1 },
};

const NO_FLAG = { null: null, text: 'false', 'a number': 0, 'an array': [], 'an object': {} };

const NO_VERSION = {
  null: null,
  zero: 0,
  negative: -1,
  'a fraction': 1.5,
  NaN: Number.NaN,
  'too large': 2 ** 53,
  text: '1',
  'an array': [1],
  'a bigint': 1n,
};

const NO_CURSOR = {
  null: null,
  'a number': 1,
  'the empty string': '',
  text: 'next',
  'no place': Buffer.from('{"shard":0}').toString('base64url'),
  'no shard': Buffer.from('["0","0"]').toString('base64url'),
  'a negative shard': Buffer.from('[-1,"0"]').toString('base64url'),
  'no number': Buffer.from('[0,"x"]').toString('base64url'),
  'a glob': Buffer.from('[0,"0 MATCH *"]').toString('base64url'),
  'no owner': Buffer.from('[0,"0","0",7]').toString('base64url'),
  'too long': Buffer.from(`[0,"0","0","${'x'.repeat(8_192)}"]`).toString('base64url'),
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

const DETAILS = {
  reason: noText(64),
  by: { ...NO_TEXT, 'the empty string': '', 'another text': 'root', 'other case': 'User' },
};
const NO_ID = {
  ...MISSING,
  ...NO_TEXT,
  'the empty string': '',
  '21 characters': ID.slice(1),
  '23 characters': `${ID}A`,
  'other characters': `${ID.slice(1)}+`,
};

/** By operation and field: what it must refuse. */
export const WRONG: Record<Operation, Record<string, Record<string, unknown>>> = {
  create: {
    ...{ ...SCOPE, owner: NAME, data: NO_DATA, duration: DURATION, customToken: CUSTOM },
    ...{ idle: NO_DURATION, limit: NO_OWNER_LIMIT, hint: NO_FLAG, label: noText(256) },
  },
  get: { ...SCOPE, token: TOKEN, touch: NO_FLAG },
  update: { ...SCOPE, token: TOKEN, data: { ...MISSING, ...NO_DATA }, ifVersion: NO_VERSION },
  refresh: { ...SCOPE, token: TOKEN, duration: DURATION },
  rotate: { ...SCOPE, token: TOKEN, duration: NO_DURATION, grace: NO_GRACE },
  delete: { ...SCOPE, token: TOKEN, ...DETAILS },
  deleteAll: { ...SCOPE, owner: NAME, except: NO_TEXT, ...DETAILS },
  consume: { ...SCOPE, token: TOKEN, ...DETAILS },
  getById: { ...SCOPE, id: NO_ID, owner: noText(256) },
  deleteById: { ...SCOPE, id: NO_ID, owner: noText(256), ...DETAILS },
  deleteScope: { ...SCOPE, ...DETAILS },
  deleteApp: { app: NAME, ...DETAILS },
  list: { ...SCOPE, owner: NAME, limit: NO_LIMIT, after: NO_POSITION },
  count: { ...SCOPE, owner: noText(256) },
  owners: { ...SCOPE, limit: NO_PAGE_LIMIT, cursor: NO_CURSOR },
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
  idle: 30,
  hint: false,
  label: 'a phone',
  touch: false,
  ifVersion: 1,
  cursor: Buffer.from('[0,"0"]').toString('base64url'),
  after: { id: ID, expiresAt: 1 },
  id: ID,
  except: 'a token of the caller',
  reason: 'stolen',
  by: 'admin',
};

/** An input with which nothing is wrong. */
export const rightInput = (op: Operation): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(WRONG[op]).map((field) => [
      field,
      op === 'create' && field === 'limit' ? { max: 5, overflow: 'end-oldest' } : VALUES[field],
    ]),
  );
