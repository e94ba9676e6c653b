// Contract: update.
import { assert } from 'chai';
import { ValidationError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { MAX_DATA_BYTES, newId, SECOND, type World } from './world.js';

export function updateContract(world: World): void {
  describe('update', () => {
    it('replaces, deletes, ignores and adds keys, and answers what a get answers', async () => {
      const { id } = await world.create({ data: { kept: 1, replaced: { a: 1 }, deleted: 2, ignored: 3 } });
      const updated = await world.update(id, {
        replaced: { b: 2 },
        deleted: null,
        ignored: undefined,
        added: [4],
        missing: null,
      });
      assert.deepEqual(updated?.data, { kept: 1, replaced: { b: 2 }, ignored: 3, added: [4] });
      assert.deepEqual(await world.get(id), updated);
    });

    it('in process finds a token that is yet to come, by a creator whose clock is ahead', async () => {
      const { id } = await world.createAhead();
      const updated = await world.update(id, { a: 1 });
      assert.deepInclude(updated as object, { version: 2, data: { a: 1 } });
      assert.equal((await world.refresh(id, 90))?.version, 3);
    });

    it('leaves each key in its place, and puts new ones last', async () => {
      const { id } = await world.create({ data: { a: 1, b: 2, c: 3 } });
      const updated = await world.update(id, { e: 5, b: 'two', d: 4, a: null });
      assert.equal(JSON.stringify(updated?.data), '{"b":"two","c":3,"e":5,"d":4}');
    });

    it('keeps a null inside of a value', async () => {
      const { id } = await world.create({ data: { a: { b: 1 } } });
      assert.deepEqual((await world.update(id, { a: { b: null } }))?.data, { a: { b: null } });
    });

    it('deletes a null that was created', async () => {
      const { id } = await world.create({ data: { a: null, b: null } });
      assert.deepEqual((await world.update(id, { a: null }))?.data, { b: null });
    });

    it('leaves an empty object where every key goes, and fills it again', async () => {
      const { id } = await world.create({ data: { a: 1, b: 2 } });
      assert.deepEqual((await world.update(id, { a: null, b: null }))?.data, {});
      assert.deepEqual((await world.update(id, {}))?.data, {});
      assert.deepEqual((await world.update(id, { c: 3 }))?.data, { c: 3 });
    });

    it('counts the version up by one, and leaves expiry and creation alone', async () => {
      const created = await world.create({ duration: 60 });
      await world.update(created.id, { a: 1 });
      const updated = await world.update(created.id, { b: 2 });
      assert.deepEqual(updated, { ...created, data: { a: 1, b: 2 }, version: 3 });
      await world.advance(61 * SECOND);
      assert.isUndefined(await world.get(created.id));
    });

    it('loses nothing of many at the same time', async () => {
      const { id } = await world.create();
      const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
      await Promise.all(keys.map((key) => world.update(id, { [key]: key })));
      const found = await world.get(id);
      assert.sameMembers(Object.keys(found?.data ?? {}), keys);
      assert.equal(found?.version, 51);
    });

    it('finds nothing where there is no token, in no other scope, and revives none', async () => {
      const { id } = await world.create({ duration: 1 });
      assert.isUndefined(await world.update(newId(), { a: 1 }));
      assert.isUndefined(await world.update(id, { a: 1 }, { app: 'mill' }));
      assert.isUndefined(await world.update(id, { a: 1 }, { type: 'reset' }));
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.update(id, { a: 1 }));
      assert.isUndefined(await world.get(id));
      assert.lengthOf(await world.events(), 1);
    });

    it('finds nothing in a token that was created more than a millisecond after it was issued', async () => {
      const issuedAt = world.now() - 3_000_000;
      const early = await world.create({ issuedAt: issuedAt + 1_000 });
      const late = await world.create({ issuedAt: issuedAt + 1_001 });
      assert.isDefined(await world.update(early.id, { a: 1 }, { issuedAt }));
      assert.isUndefined(await world.update(late.id, { a: 1 }, { issuedAt }));
      assert.deepEqual(await world.get(late.id), late);
    });

    it('is refused where the merged data would be too large, and changes nothing', async () => {
      const half = 'x'.repeat(MAX_DATA_BYTES / 2);
      const created = await world.create({ data: { a: half } });
      const error = await refused(world.update(created.id, { b: half }), ValidationError);
      assert.deepEqual(
        error.fields.map(({ field }) => field),
        ['data'],
      );
      assert.match(error.fields[0]?.problem ?? '', /at most 70000 bytes as JSON, got 70015$/);
      assert.deepEqual(await world.get(created.id), created);
      assert.lengthOf(await world.events(), 1);
    });

    it('counts the bytes of merged data as JSON, exactly', async () => {
      const odd = 'ü"\\\u2028\ud800'; // 2 + 2 + 2 + 3 + 6 bytes
      const room = MAX_DATA_BYTES - Buffer.byteLength(JSON.stringify({ [odd.slice(0, 3)]: odd, b: '' }));
      const fits = await world.create({ data: { [odd.slice(0, 3)]: odd } });
      assert.isDefined(await world.update(fits.id, { b: 'x'.repeat(room) }));
      const error = await refused(world.update(fits.id, { b: 'x'.repeat(room + 1) }), ValidationError);
      assert.match(error.message, /got 70001$/);
    });

    it('may replace and delete in data that is as large as can be', async () => {
      const { id } = await world.create({ data: { a: 'x'.repeat(MAX_DATA_BYTES - 8) } });
      assert.deepEqual((await world.update(id, { a: null, b: 'y'.repeat(MAX_DATA_BYTES - 20) }))?.version, 2);
    });
  });
}
