// Whatever JSON `create` takes comes back equal from everywhere, and an update leaves other keys' bytes alone.
import { deepStrictEqual } from 'node:assert';
import { assert } from 'chai';
import fc from 'fast-check';
import { copyData } from '../../src/tokens/data.js';
import { type Deployment, openDeployment } from './deployment.js';

const SCOPE = { app: 'shop', type: 'session' };

/** What encoders, Lua's cjson and prototypes are known to trip over. */
const DATA = JSON.parse(String.raw`{
  "__proto__": { "polluted": true }, "constructor": { "prototype": { "polluted": true } }, "toString": null,
  "hasOwnProperty": 1, "prototype": [], "length": 3, "0": "zero", "10": "ten", "2": [[]], "-1": {}, "1e3": "1e3",
  "": "no name", " ": "blank", "\u007f": "DEL", "\u0000": "NUL", "\u0001\n\r\t\b\f\u001f": "control \u0000\u001f\u007f",
  "\u2028\u2029": "\u2028\u2029", "a\/b\\c\"d": "\/ \\ \" \\u0041 \\\\", "🙂👩‍👩‍👧": "🙂", "é": "e\u0301",
  "lone": ["\ud800", "x\udfff", "\udc00\ud800"], "numbers": [0, 1e308, 5e-324, 9007199254740993, 0.1, 123456789012345680000, -1.5e-9, 1e21],
  "texts": ["12345678901234567890", "1e400", "0x10", "null", "true", ""], "empty": [[], {}, [{}], { "a": [] }, ""],
  "nothing": null, "flags": [true, false, null], "%": "%s %d %00", "{}": "{}", "[]": "[]", ",": ",", ":": ":"
}`) as Record<string, unknown>;

/** 200 levels of each kind. */
const DEEP = JSON.parse(
  `{"array":${'['.repeat(200)}${']'.repeat(200)},"object":${'{"a":'.repeat(200)}{}${'}'.repeat(200)}}`,
);

const key = fc.oneof(
  fc.constantFrom(...Object.keys(DATA)),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.nat().map(String),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Any sixteen bits, so lone surrogates too.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom('null', '[]', '{}', '\\u0000', '1'.repeat(40)),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)), // JSON knows no -0
  fc.maxSafeInteger(),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    tie('array'),
    tie('object'),
  ),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
})).value;
/** `fromEntries` defines `__proto__` as an ordinary key. */
const data = fc
  .array(fc.tuple(key, value), { maxLength: 8 })
  .map((entries) => Object.fromEntries(entries) as Record<string, unknown>);

describe('Data', function () {
  this.timeout(30_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await openDeployment();
  });

  after(() => deployment.close());

  afterEach('touches no prototype', () => {
    assert.isUndefined(({} as Record<string, unknown>).polluted);
    assert.deepEqual(Object.keys(Object.prototype), []);
  });

  it('comes back equal where every part of it is awkward', async () => {
    await comesBack(DATA);
    await comesBack(DEEP);
    await comesBack({});
  });

  it('comes back equal, whatever it is', () => fc.assert(fc.asyncProperty(data, comesBack), { numRuns: 60 }));

  it('survives updates as a merge of plain objects does, and keys that are left alone keep their bytes', () =>
    fc.assert(
      fc.asyncProperty(
        data,
        fc.array(fc.tuple(fc.boolean(), data), { minLength: 1, maxLength: 4 }),
        survivesUpdates,
      ),
      { numRuns: 60 },
    ));

  it('survives updates where every part of it is awkward', () =>
    survivesUpdates(DATA, [
      [false, { first: 1, __proto: 2 }],
      [true, { constructor: null, '0': null, lone: '\udc00' }],
      [false, Object.fromEntries([['__proto__', ['changed']]])],
      [true, Object.fromEntries([['__proto__', null]])],
      [false, DEEP],
    ]));

  async function comesBack(given: Record<string, unknown>): Promise<void> {
    const expected = copyData(given);
    for (const [, door] of deployment.doors) {
      const created = await door.create({ ...SCOPE, owner: 'ann', duration: 60, data: given });
      deepStrictEqual(created.data, expected);
      const input = { ...SCOPE, token: created.token };
      for (const [, other] of deployment.doors) {
        deepStrictEqual((await other.get(input))?.data, expected);
        deepStrictEqual((await other.list({ ...SCOPE, owner: 'ann', limit: 1 }))[0]?.data, expected);
        deepStrictEqual((await other.refresh({ ...input, duration: 60 }))?.data, expected);
        deepStrictEqual((await other.update({ ...input, data: {} }))?.data, expected);
      }
      assert.isTrue(await door.delete(input));
    }
  }

  async function survivesUpdates(
    given: Record<string, unknown>,
    updates: [queued: boolean, changes: Record<string, unknown>][],
  ): Promise<void> {
    const { tokens, producer } = deployment;
    const { id, token } = await tokens.create({ ...SCOPE, owner: 'bob', duration: 60, data: given });
    const model = new Map(Object.entries(copyData(given)));
    for (const [queued, changes] of updates) {
      const before = await storedValues(id);
      const updated = await (queued ? producer : tokens).update({ ...SCOPE, token, data: changes });
      for (const [name, changed] of Object.entries(changes)) {
        if (changed === null) model.delete(name);
        else model.set(name, copyData({ changed }).changed);
      }
      const expected = Object.fromEntries(model);
      deepStrictEqual(updated?.data, expected);
      deepStrictEqual((await tokens.get({ ...SCOPE, token }))?.data, expected);
      const after = await storedValues(id);
      for (const [name, bytes] of before) {
        if (!Object.hasOwn(changes, name)) assert.equal(after.get(name), bytes, name);
      }
    }
    assert.isTrue(await tokens.delete({ ...SCOPE, token }));
  }

  /** The bytes of each value as they stand in the record, by key. */
  async function storedValues(id: string): Promise<Map<string, string>> {
    const raw = (await deployment.rawRecord(id)) as string;
    const stored = JSON.parse(raw) as string[];
    assert.equal(raw, JSON.stringify(stored), 'the record is not as JSON.stringify writes it');
    const values = new Map<string, string>();
    for (let i = 7; i < stored.length; i += 2) values.set(stored[i] as string, JSON.stringify(stored[i + 1]));
    return values;
  }
});
