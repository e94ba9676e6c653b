// Contract: a sweep ends whatever is overdue, and tells of each token once.
import { assert } from 'chai';
import { newId, SECOND, scatteredId, type World } from './world.js';

export function sweepContract(world: World): void {
  describe('a sweep', () => {
    it('ends every overdue token of every scope, and no other', async () => {
      const over: string[] = [];
      for (const app of ['shop', 'mill', 'a:b*{}%']) {
        for (const owner of ['ann', 'bob']) {
          over.push((await world.create({ id: scatteredId(), app, owner, duration: 1 })).id);
          await world.create({ id: scatteredId(), app, owner, duration: 90 });
        }
      }
      await world.advance(2 * SECOND);
      await world.events();
      assert.equal(await world.repository.sweep(), over.length);
      const told = await world.facts();
      assert.deepEqual(
        told.map(({ type, subject }) => `${type} ${subject}`).sort(),
        over.map((id) => `token-expired ${id}`).sort(),
      );
      assert.deepEqual(await world.indexSizes(), { byOwner: 6, byScope: 6 });
      assert.equal(await world.repository.sweep(), 0);
      assert.isEmpty(await world.events());
    });

    it('tells whose token it was', async () => {
      const { id } = await world.create({ owner: 'ann', duration: 1 });
      await world.advance(2 * SECOND);
      await world.events();
      await world.repository.sweep();
      assert.deepEqual(await world.facts(), [{ type: 'token-expired', subject: id, owner: 'ann' }]);
    });

    it('ends thousands, once each, though many sweep at a time', async () => {
      const made = await Promise.all(
        Array.from({ length: 1_500 }, (_, i) =>
          world.create({ id: newId(), owner: `o${i % 7}`, duration: 1 }),
        ),
      );
      await world.advance(2 * SECOND);
      await world.events();
      const counts = await Promise.all(Array.from({ length: 5 }, () => world.repository.sweep()));
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        made.length,
      );
      const told = (await world.events()).map(({ subject }) => subject);
      assert.deepEqual(told.sort(), made.map(({ id }) => id).sort());
    });

    it('leaves alone what was refreshed, revoked or used again meanwhile', async () => {
      const [kept, revoked, again] = [newId(), newId(), newId()];
      await world.create({ id: kept, duration: 5 });
      await world.create({ id: revoked, duration: 5 });
      await world.create({ id: again, owner: 'bob', duration: 5 });
      await world.refresh(kept, 60);
      await world.delete(revoked);
      await world.advance(10 * SECOND);
      await world.create({ id: again, owner: 'ann' });
      await world.events();
      await world.repository.sweep();
      const told = (await world.facts()).filter(({ owner }) => owner !== 'bob');
      assert.isEmpty(told);
      assert.sameMembers(
        (await world.list('ann')).map(({ id }) => id),
        [kept, again],
      );
    });

    it('stops where it is told to, and the next one goes on', async () => {
      await Promise.all(Array.from({ length: 900 }, () => world.create({ duration: 1 })));
      await world.advance(2 * SECOND);
      const stopped = new AbortController();
      stopped.abort();
      const first = await world.repository.sweep(stopped.signal);
      assert.equal(first + (await world.repository.sweep()), 900);
    });
  });
}
