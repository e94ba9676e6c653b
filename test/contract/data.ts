// Contract: data comes back exactly as it went in, whatever it is.
import { assert } from 'chai';
import fc from 'fast-check';
import { MAX_DATA_BYTES, newId, type World } from './world.js';

/** As JSON text: what a literal could not say, such as `__proto__` as a key. */
const ODD = {
  'empty containers': '{"a":[],"b":{},"c":[[],{}],"d":"","e":null}',
  'numbers that need every digit':
    '{"max":9007199254740993,"pi":3.141592653589793,"tiny":5e-324,"huge":1.7976931348623157e+308,"n":-0.1}',
  'texts that look like numbers': '{"zip":"01234","big":"12345678901234567890","e":"1e5"}',
  'texts that look like JSON': '{"a":"[1,2]","b":"{\\"c\\":null}","c":"null","d":"\\""}',
  'emoji and other planes': '{"🙂":"👩‍👩‍👧‍👦","𝒳":"\u{10ffff}"}',
  'line separators': '{"\u2028":"\u2029","\\n":"\\r\\n\\t"}',
  'control characters': '{"\\u0000":"\\u0000\\u0001\\u001f\\u007f"}',
  'lone surrogates in values': '{"high":"\\ud800","low":"\\udfff","swapped":"\\udc00\\ud800"}',
  'escapes and slashes': '{"\\\\":"\\\\\\"/","a\\"b":"</script>"}',
  'keys of prototypes':
    '{"__proto__":{"admin":true},"constructor":"x","prototype":1,"toString":null,"hasOwnProperty":[]}',
  'keys that are numbers': '{"1":"one","0":"zero","10":"ten","-1":"minus","01":"padded"}',
  'an empty key': '{"":"","a":{"":[]}}',
  'keys of records': '{"id":1,"app":2,"owner":3,"version":"x","expiresAt":null,"token":"t"}',
  'words of Lua': '{"%s":"%d%%","nil":"]]--[[","$1":"%1"}',
};

export function dataContract(world: World): void {
  describe('data', () => {
    for (const [what, json] of Object.entries(ODD)) {
      it(`keeps ${what} exactly, when created, read, merged and merged into`, async () => {
        const data = JSON.parse(json) as object;
        const created = await world.create({ data });
        assertSame(created.data, data);
        assertSame((await world.get(created.id))?.data, data);
        assertSame((await world.list('ann'))[0]?.data, data);

        const merged = JSON.parse(`${json.slice(0, -1)},"added":[0]}`) as object;
        assertSame((await world.update(created.id, { added: [0] }))?.data, merged);
        assertSame((await world.get(created.id))?.data, merged);

        // Changes that hold it, as far as they are no deletions.
        const changes = toObject(Object.entries(data).filter(([, value]) => value !== null));
        const { id } = await world.create({ data: {} });
        assertSame((await world.update(id, changes))?.data, changes);
        assertSame((await world.get(id))?.data, changes);
        assert.notProperty({}, 'admin');
      });
    }

    it('replaces and deletes keys of prototypes like any other', async () => {
      const { id } = await world.create({ data: JSON.parse('{"__proto__":{"a":1},"constructor":1}') });
      const changes = JSON.parse('{"__proto__":{"b":2},"constructor":null}');
      assertSame((await world.update(id, changes))?.data, JSON.parse('{"__proto__":{"b":2}}'));
      assertSame((await world.update(id, JSON.parse('{"__proto__":null}')))?.data, {});
      assert.isUndefined(({} as { b?: number }).b);
    });

    it('keeps what is nested as deep as it may be', async () => {
      const depth = 498;
      const deep = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
      const { id } = await world.create({ data: { deep } });
      await world.update(id, { deeper: deep });
      assertSame((await world.get(id))?.data, { deep, deeper: deep });
    });

    it('keeps thousands of keys', async () => {
      const data = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`key ${i}`, i]));
      const { id } = await world.create({ data });
      const changes = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`key ${2 * i}`, null]));
      const updated = await world.update(id, changes);
      assert.lengthOf(Object.keys(updated?.data ?? {}), 2_000);
      assert.deepEqual(await world.get(id), updated);
    });

    it('keeps as many bytes as are allowed', async () => {
      const data = { a: 'x'.repeat(MAX_DATA_BYTES - 8) };
      const { id } = await world.create({ data });
      assertSame((await world.get(id))?.data, data);
    });

    it('leaves out keys that are undefined', async () => {
      const { id, data } = await world.create({ data: { a: undefined, b: { c: undefined, d: 1 } } });
      assertSame(data, { b: { d: 1 } });
      assertSame((await world.get(id))?.data, { b: { d: 1 } });
      assertSame((await world.update(id, { e: undefined, f: { g: undefined } }))?.data, {
        b: { d: 1 },
        f: {},
      });
    });

    it('of any kind and merged with any other is what a merge of objects makes of it', async () => {
      const key = fc.oneof(
        fc.constantFrom('a', 'b', 'c', '__proto__', '1'),
        fc.string({ unit: 'grapheme', maxLength: 8 }),
      );
      const value = fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.parse(JSON.stringify(json)) as unknown);
      const entries = fc.array(fc.tuple(key, value), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(entries, entries, async (before, changes) => {
          const id = newId();
          const data = toObject(before);
          assertSame((await world.create({ id, data })).data, data);
          const merged = new Map(Object.entries(data));
          for (const [name, changed] of Object.entries(toObject(changes))) {
            if (changed === null) merged.delete(name);
            else merged.set(name, changed);
          }
          const updated = await world.update(id, toObject(changes));
          assertSame(updated?.data, toObject([...merged]));
          assertSame((await world.get(id))?.data, toObject([...merged]));
        }),
        { numRuns: 150 },
      );
    }).timeout(60_000);
  });
}

/** With `__proto__` as a key like any other. */
const toObject = (entries: [string, unknown][]): Record<string, unknown> => {
  const text = new Map(entries.map(([key, value]) => [key, JSON.stringify(value)]));
  return JSON.parse(`{${[...text].map(([key, json]) => `${JSON.stringify(key)}:${json}`).join()}}`);
};

/** Equal to the last byte, and in the same order. */
function assertSame(actual: unknown, expected: unknown): void {
  assert.equal(JSON.stringify(actual), JSON.stringify(expected));
}
