// What may be stored as data: all that comes back from JSON equal, and nothing else.
import { runInNewContext } from 'node:vm';
import { assert } from 'chai';
import fc from 'fast-check';
import { copyData, dataBytes, dataProblem, decodeEntries, encodeEntries } from '../../src/tokens/data.js';

class Money {
  amount = 1;
}

const cycle: Record<string, unknown> = { a: {} };
(cycle.a as Record<string, unknown>).b = [cycle];

const holes = [1, 2, 3];
delete holes[1];
const named = Object.assign([1], { name: 'x' });

const deep = (levels: number): object => {
  let data: object = {};
  for (let i = 1; i < levels; i++) data = { a: data };
  return data;
};

/** Each kind, at a place of its own, and the path that the refusal names. */
const REFUSED: [what: string, data: unknown, path: string, problem: RegExp][] = [
  ['a Date', { a: new Date(0) }, '.a', /Date/],
  ['a Map', { a: { b: new Map() } }, '.a.b', /Map/],
  ['a Set', { a: [0, new Set()] }, '.a[1]', /Set/],
  ['a class instance', { list: [{ price: new Money() }] }, '.list[0].price', /Money/],
  ['a Buffer', { a: Buffer.from('x') }, '.a', /Buffer/],
  ['a typed array', { a: new Uint8Array(1) }, '.a', /Uint8Array/],
  ['a RegExp', { a: /x/ }, '.a', /RegExp/],
  ['an Error', { a: new Error('x') }, '.a', /Error/],
  ['a Promise', { a: Promise.resolve() }, '.a', /Promise/],
  ['a boxed string', { a: Object('x') }, '.a', /String/],
  ['a function', { a: () => 1 }, '.a', /function/],
  ['a toJSON of its own', { a: { toJSON: () => 1 } }, '.a.toJSON', /function/],
  ['a bigint', { a: 1n }, '.a', /bigint/],
  ['a symbol', { a: Symbol('x') }, '.a', /symbol/],
  ['a symbol as a key', { a: { [Symbol('x')]: 1 } }, '.a', /symbol/],
  ['NaN', { a: Number.NaN }, '.a', /NaN/],
  ['Infinity', { a: [[Number.POSITIVE_INFINITY]] }, '.a[0][0]', /Infinity/],
  ['-Infinity', { a: Number.NEGATIVE_INFINITY }, '.a', /-Infinity/],
  ['undefined in an array', { a: [undefined] }, '.a[0]', /nothing/],
  ['an array with holes', { a: holes }, '.a', /holes/],
  ['an array with names', { a: named }, '.a', /names/],
  ['a cycle', cycle, '.a.b[0]', /cycle/],
  ['a key that is not well-formed', { a: { '\ud800': 1 } }, '.a', /well-formed/],
  ['an object made of another', { a: Object.create({ b: 1 }) }, '.a', /object/],
  ['what is nested too deep', deep(501), '', /500 levels/],
];

describe('Data', () => {
  for (const [what, data, path, problem] of REFUSED) {
    it(`is refused with ${what} in it, and told where`, () => {
      const found = dataProblem(data);
      assert.equal(found?.path, path);
      assert.match(found?.problem ?? '', problem);
    });
  }

  it('must be a plain object itself', () => {
    for (const data of [
      null,
      undefined,
      1,
      'x',
      true,
      [],
      [1],
      new Date(),
      new Map(),
      new Money(),
      () => 1,
      1n,
    ]) {
      assert.match(dataProblem(data)?.problem ?? '', /must be a plain object, got/);
      assert.equal(dataProblem(data)?.path, '');
    }
  });

  it('may be all that JSON can say', () => {
    for (const data of [
      {},
      { a: null, b: [], c: {}, d: '', e: 0, f: -1.5, g: false },
      { u: undefined, v: { w: undefined } },
      { s: '\ud800', t: '\0\u2028🙂' },
      JSON.parse('{"__proto__":{"constructor":1}}'),
      Object.create(null),
      deep(500),
      runInNewContext('({ a: [{ b: 1 }] })'),
    ]) {
      assert.isUndefined(dataProblem(data));
    }
  });

  it('may hold one object at two places', () => {
    const shared = { a: 1 };
    assert.isUndefined(dataProblem({ x: shared, y: shared, z: [shared, shared] }));
  });

  it('is looked at no twice as long for being refused: the first problem is told', () => {
    assert.equal(dataProblem({ ok: 1, first: 1n, second: 2n })?.path, '.first');
  });

  const anyData = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { noNullPrototype: false });

  it('of any kind comes back from its entries as it went in', () => {
    fc.assert(
      fc.property(anyData, (given) => {
        const data = JSON.parse(JSON.stringify(given)) as object;
        assert.isUndefined(dataProblem(data));
        assert.equal(JSON.stringify(decodeEntries(encodeEntries(data).flat())), JSON.stringify(data));
        assert.equal(JSON.stringify(copyData(data)), JSON.stringify(data));
        assert.equal(dataBytes(data), Buffer.byteLength(JSON.stringify(data)));
      }),
    );
  });

  it('that passes is equal after a trip through JSON, whatever it was', () => {
    const options = {
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
    } as const;
    fc.assert(
      fc.property(fc.anything({ ...options, withNullPrototype: true, withTypedArray: true }), (value) => {
        const data = { value };
        if (dataProblem(data)) return;
        assert.isTrue(equalButForUndefined(JSON.parse(JSON.stringify(data)), data));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not let `__proto__` near a prototype', () => {
    const decoded = decodeEntries(['__proto__', '{"admin":true}']);
    assert.isTrue(Object.hasOwn(decoded, '__proto__'));
    assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
    assert.notProperty({}, 'admin');
  });
});

function equalButForUndefined(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const entries = Object.entries(b).filter(([, value]) => value !== undefined);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    Object.keys(a).length === entries.length &&
    entries.every(([key, value]) => equalButForUndefined((a as Record<string, unknown>)[key], value))
  );
}
