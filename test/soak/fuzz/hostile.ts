// What somebody writes who means no good, or does not know what: texts, JSON, and what was right until it was tampered with.
import fc from 'fast-check';
import { generateToken } from '../../../src/tokens/secret.js';

/** A token that inputs hold as one of their values: nothing may show it. */
export const SECRET = generateToken();

const NASTY = [
  ...[
    '',
    ' ',
    '\0',
    '\n',
    '\r\n',
    '"',
    "'",
    '\\',
    '%',
    '%00',
    '%zz',
    '%2A',
    '*',
    ':',
    ',',
    '{',
    '}',
    '[',
    ']',
    '/',
    '..',
    '-',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'then',
    'null',
    'undefined',
    'NaN',
    'true',
  ],
  ...['\ud800', '\udc00a', '\ufeff', '\u2028', '\u202e', '\u0000\u0001', '🙂', 'e\u0301', '\x1b[2J'],
  ...['0', '-1', '1e309', '1e308', '9007199254740993', '0x10', '١', '1.5', '-0', '00', '1_000'],
  ...['rt_', 'shop', 'session', 'ann', '{rt:0}', 'redis.call("FLUSHALL")', '<script>', '../../etc/passwd'],
];

/** A text, seldom a long one. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 2,
    arbitrary: fc.string({
      unit: fc.constantFrom('\ud83d', '\ude42', '\0', 'a', '"', '\\', '%', ','),
      maxLength: 8,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom(...NASTY), { maxLength: 4 }).map((parts) => parts.join('')),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', '"', '\\', '🙂', '\ud800', '%', '[', ':'),
        fc.constantFrom(255, 256, 1_024, 1_025, 70_000),
      )
      .map(([unit, times]) => unit.repeat(times)),
  },
);

const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.5,
    1e21,
    1e300,
    -1e300,
    5e-324,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 + 2,
    -(2 ** 63),
    1.797e308,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const scalar = fc.oneof(fc.constantFrom<unknown>(null, true, false, SECRET), number, text);

/** Objects by their text, so that `__proto__` is a key of theirs. */
const object = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .array(fc.tuple(text, value), { maxLength: 4 })
    .map((entries) =>
      JSON.parse(`{${entries.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`)}}`),
    );

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '{"__proto__":', '[0,'), fc.constantFrom(3, 499, 500, 501, 3_000))
  .map(([opening, depth]) => {
    const closing = opening.startsWith('[') ? ']' : '}';
    return JSON.parse(`${opening.repeat(depth)}1${closing.repeat(depth)}`);
  });

/** Whatever JSON.parse may answer. */
export const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'json' },
    { weight: 6, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 2, arbitrary: object(tie('value')) },
    { weight: 1, arbitrary: deep },
  ),
})).value;

/** One change at one place: a place is told by numbers, so that it can be found in whatever there is. */
interface Tampering {
  kind: 'replace' | 'delete' | 'add' | 'copy';
  path: number[];
  key: string;
  value: unknown;
}

const tampering: fc.Arbitrary<Tampering> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'delete', 'add', 'copy'),
  path: fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
  key: text,
  value: json,
});

/** JSON that is right, but for a few places. */
export const tampered = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(right, fc.array(tampering, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) => changes.reduce(tamper, structuredClone(value)));

function tamper(value: unknown, { kind, path, key, value: other }: Tampering): unknown {
  let holder: Record<string, unknown> | undefined;
  let name = '';
  let place = value;
  for (const step of path) {
    if (typeof place !== 'object' || place === null) break;
    const names = Object.keys(place);
    if (names.length === 0) break;
    holder = place as Record<string, unknown>;
    name = names[step % names.length] as string;
    place = holder[name];
  }
  if (holder === undefined) return kind === 'delete' ? undefined : other;
  if (kind === 'replace') define(holder, name, other);
  else if (kind === 'copy' && Array.isArray(holder)) holder.push(place);
  else if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (kind === 'delete') delete holder[name];
  else define(holder, key, other);
  return value;
}

const define = (holder: object, name: string, value: unknown) =>
  Object.defineProperty(holder, name, { value, configurable: true, enumerable: true, writable: true });

/** A text that is right, but for a few of its characters. */
export const garbled = (right: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      right,
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom(0, 0, 1, 1, 2, 5, 1_000),
          fc.oneof(fc.constant(''), text, punctuation),
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    )
    .map(([whole, changes]) =>
      changes.reduce((now, [at, length, put]) => {
        const from = now.length === 0 ? 0 : at % (now.length + 1);
        return now.slice(0, from) + put + now.slice(from + length);
      }, whole),
    );

const punctuation = fc.constantFrom(...'"\\,:{}[]0123456789.-+eE %tfnu');
