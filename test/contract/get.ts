// Contract: get.
import { assert } from 'chai';
import { newId, SECOND, type World } from './world.js';

export function getContract(world: World): void {
  describe('get', () => {
    it('finds nothing where there never was a token', async () => {
      assert.isUndefined(await world.get(newId()));
    });

    it('finds nothing in another app or under another type', async () => {
      const { id } = await world.create();
      assert.isUndefined(await world.get(id, { app: 'mill' }));
      assert.isUndefined(await world.get(id, { type: 'reset' }));
      assert.isDefined(await world.get(id));
    });

    it('finds a token until it expires, and not afterwards', async () => {
      const { id } = await world.create({ duration: 60 });
      await world.advance(59 * SECOND);
      assert.isDefined(await world.get(id));
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.get(id));
    });

    it('answers each of many at the same time with its own record', async () => {
      const created = await Promise.all(Array.from({ length: 50 }, (_, n) => world.create({ data: { n } })));
      const missing = newId();
      const found = await Promise.all([...created.map(({ id }) => world.get(id)), world.get(missing)]);
      assert.deepEqual(found, [...created, undefined]);
    });

    it('changes nothing and tells of nothing', async () => {
      const created = await world.create();
      await world.events();
      await world.get(created.id);
      assert.deepEqual(await world.get(created.id), created);
      assert.deepEqual(await world.events(), []);
    });

    it('shares no object with its caller', async () => {
      const { id } = await world.create({ data: { list: [1] } });
      const found = await world.get(id);
      found?.data.list.push(2);
      assert.deepEqual((await world.get(id))?.data, { list: [1] });
    });
  });
}
