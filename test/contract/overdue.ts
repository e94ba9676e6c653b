// Contract: what is over but was not met yet. Whoever meets it removes it and tells of it, once.
import { assert } from 'chai';
import { newId, SECOND, type World } from './world.js';

export function overdueContract(world: World): void {
  describe('an overdue token', () => {
    it('is ended by a create in its scope, two at most, the earliest first', async () => {
      const ids: string[] = [];
      for (const duration of [3, 1, 4, 2])
        ids.push((await world.create({ duration, owner: `o${duration}` })).id);
      const [third, first, fourth, second] = ids as [string, string, string, string];
      await world.advance(10 * SECOND);
      await world.create({ id: newId(), app: 'mill' });
      await world.events();
      const created = await world.create();
      assert.deepEqual(await world.facts(), [
        { type: 'token-expired', subject: first, owner: 'o1' },
        { type: 'token-expired', subject: second, owner: 'o2' },
        { type: 'token-created', subject: created.id, owner: 'ann', version: 1 },
      ]);
      await world.create();
      assert.deepEqual(
        (await world.facts()).slice(0, 2).map(({ subject }) => subject),
        [third, fourth],
      );
      await world.create();
      assert.lengthOf(await world.facts(), 1);
      assert.deepEqual(await world.indexSizes(), { byOwner: 4, byScope: 4 });
    });

    it('is ended first where its own owner uses the id again, however many are over before it', async () => {
      for (const duration of [1, 2, 3]) await world.create({ duration, owner: 'bob' });
      const { id } = await world.create({ duration: 5, owner: 'ann' });
      await world.advance(10 * SECOND);
      await world.events();
      await world.create({ id, owner: 'ann' });
      const facts = await world.facts();
      assert.deepEqual(facts[0], { type: 'token-expired', subject: id, owner: 'ann' });
      assert.deepEqual(facts.at(-1), { type: 'token-created', subject: id, owner: 'ann', version: 1 });
      assert.lengthOf(facts, 4);
    });

    it('is told of once where another owner uses the id again, and leaves nothing behind', async () => {
      const { id } = await world.create({ owner: 'ann', duration: 1 });
      await world.advance(2 * SECOND);
      await world.create({ id, owner: 'bob' });
      await world.list('ann');
      const told = (await world.facts()).filter(({ type }) => type === 'token-expired');
      assert.deepEqual(told, [{ type: 'token-expired', subject: id, owner: 'ann' }]);
      assert.deepEqual(await world.indexSizes(), { byOwner: 1, byScope: 1 });
      await world.deleteAll('bob');
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
    });

    it('is none that was refreshed in time', async () => {
      const { id } = await world.create({ duration: 1 });
      await world.refresh(id, 60);
      await world.advance(5 * SECOND);
      await world.create();
      assert.lengthOf(await world.list('ann'), 2);
      assert.notInclude(
        (await world.facts()).map(({ type }) => type),
        'token-expired',
      );
    });

    it('is found by nothing, and told of by none that only looks for it', async () => {
      const { id } = await world.create({ duration: 1 });
      await world.advance(2 * SECOND);
      await world.get(id);
      await world.update(id, { a: 1 });
      await world.refresh(id, 60);
      await world.delete(id);
      assert.lengthOf(await world.events(), 1);
    });
  });
}
