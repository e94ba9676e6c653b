// Contract: delete.
import { assert } from 'chai';
import { newId, SECOND, type World } from './world.js';

export function deleteContract(world: World): void {
  describe('delete', () => {
    it('ends a token at once, and says so once', async () => {
      const { id } = await world.create();
      assert.isTrue(await world.delete(id));
      assert.isUndefined(await world.get(id));
      assert.deepEqual(await world.list('ann'), []);
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
      assert.isFalse(await world.delete(id));
      assert.lengthOf(await world.events(), 2);
    });

    it('succeeds once of many at the same time', async () => {
      const { id } = await world.create();
      const answers = await Promise.all(Array.from({ length: 20 }, () => world.delete(id)));
      assert.lengthOf(answers.filter(Boolean), 1);
      assert.lengthOf(await world.events(), 2);
    });

    it('finds nothing that never was or has expired', async () => {
      const { id } = await world.create({ duration: 1 });
      assert.isFalse(await world.delete(newId()));
      await world.advance(2 * SECOND);
      assert.isFalse(await world.delete(id));
      assert.lengthOf(await world.events(), 1);
    });

    it('touches no token of another scope', async () => {
      const created = await world.create();
      assert.isFalse(await world.delete(created.id, { app: 'mill' }));
      assert.isFalse(await world.delete(created.id, { type: 'reset' }));
      assert.deepEqual(await world.get(created.id), created);
      assert.lengthOf(await world.events(), 1);
    });

    it('touches no other token of the owner', async () => {
      const first = await world.create();
      const second = await world.create();
      await world.delete(first.id);
      assert.deepEqual(await world.list('ann'), [second]);
    });

    it('that waited spares a token that was created after it was issued', async () => {
      const issuedAt = world.now() - 10_000_000;
      const younger = await world.create({ issuedAt: issuedAt + 1 });
      const older = await world.create({ issuedAt });
      const job = world.job('revocations');
      assert.isFalse(await world.delete(younger.id, { issuedAt, job, commandId: 'a' }));
      assert.isTrue(await world.delete(older.id, { issuedAt, job, commandId: 'b' }));
      assert.deepEqual(await world.get(younger.id), younger);
    });

    it('in process ends what was created before it ran, though it was issued earlier', async () => {
      const issuedAt = world.now();
      const { id } = await world.create();
      assert.isTrue(await world.delete(id, { issuedAt }));
    });

    it('in process ends a token that is yet to come, by a creator whose clock is ahead', async () => {
      const { id } = await world.createAhead();
      assert.isTrue(await world.delete(id));
      assert.isUndefined(await world.get(id));
      assert.deepEqual(await world.list('ann'), []);
    });

    it('is never too old', async () => {
      const { id } = await world.create({ ago: 600 * SECOND });
      await world.advance(86_400 * SECOND);
      const kept = await world.create({ id: newId(), duration: 999 });
      const job = world.job('revocations');
      assert.isFalse(await world.delete(kept.id, { ago: 86_000 * SECOND, job }));
      assert.isFalse(await world.delete(id));
      const old = await world.create({ ago: 800 * SECOND, duration: 9_999 });
      await world.advance(3_600 * SECOND);
      assert.isTrue(await world.delete(old.id, { ago: 3_600 * SECOND, job: world.job('revocations') }));
    });

    it('by a sender that is far ahead counts from now on', async () => {
      const { id } = await world.create();
      assert.isTrue(await world.delete(id, { ago: -3_600 * SECOND, job: world.job('revocations') }));
      // A mark an hour ahead would refuse this.
      assert.isDefined(await world.create({ id }));
    });
  });
}
