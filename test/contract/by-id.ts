// Contract: getById and deleteById.
import { assert } from 'chai';
import { TokenRevokedError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { newId, SECOND, type World } from './world.js';

export function byIdContract(world: World): void {
  describe('by its id', () => {
    it('a token is read as get does, and with an owner that owner’s alone', async () => {
      const made = await world.create({ owner: 'ann', data: { a: 1 } });
      assert.deepEqual(await world.getById(made.id), made);
      assert.deepEqual(await world.getById(made.id, { owner: 'ann' }), made);
      assert.isUndefined(await world.getById(made.id, { owner: 'bob' }));
      assert.deepEqual(await world.getById(made.id, { owner: 'ann' }), made, 'whatever was asked before');
      assert.isUndefined(await world.getById(made.id, { app: 'mill' }));
      assert.isUndefined(await world.getById(newId()));
    });

    it('a token is ended, with an owner that owner’s alone', async () => {
      const made = await world.create({ owner: 'ann' });
      assert.isFalse(await world.deleteById(made.id, { owner: 'bob' }));
      assert.isFalse(await world.deleteById(made.id, { app: 'mill' }));
      assert.deepEqual(
        await world.update(made.id, {}),
        { ...made, version: 2 },
        'another owner harms nothing',
      );
      assert.isTrue(await world.deleteById(made.id, { owner: 'ann' }));
      assert.isFalse(await world.deleteById(made.id, { owner: 'ann' }));
      assert.isUndefined(await world.get(made.id));
      assert.isTrue(await world.deleteById((await world.create()).id));
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
    });

    it('a revocation for an owner keeps that owner’s create dead that arrives late, and harms no other’s', async () => {
      for (const custom of [true, false]) {
        const [id, issuedAt] = [newId(), world.now()];
        assert.isFalse(await world.deleteById(id, { owner: 'ann' }));
        await refused(world.create({ id, owner: 'ann', issuedAt, custom }), TokenRevokedError);
        const other = await world.create({ id, owner: 'bob', issuedAt, custom });
        assert.isDefined(await world.update(id, { a: 1 }));
        assert.equal((await world.get(id))?.owner, other.owner);
      }
    });

    it('a revocation for whomever keeps every create dead that arrives late', async () => {
      const [id, issuedAt] = [newId(), world.now()];
      assert.isFalse(await world.deleteById(id));
      await refused(world.create({ id, owner: 'ann', issuedAt }), TokenRevokedError);
      await refused(world.create({ id, owner: 'bob', custom: false }), TokenRevokedError);
    });

    it('a revocation that waited spares a token that was created after it was issued, and is never too old', async () => {
      const issuedAt = world.now() - 3_600 * 1_000_000;
      const made = await world.create();
      for (const owner of [undefined, 'ann']) {
        const job = world.job('revocations');
        assert.isFalse(await world.deleteById(made.id, { owner, issuedAt, job, commandId: 'd' }));
      }
      assert.deepEqual(await world.get(made.id), made);
    });

    it('a job ends once, and answers the same', async () => {
      const job = world.job('revocations');
      const { id } = await world.create();
      assert.isTrue(await world.deleteById(id, { owner: 'ann', job, commandId: 'd' }));
      await world.advance(SECOND);
      await world.create({ id });
      assert.isTrue(await world.deleteById(id, { owner: 'ann', job, commandId: 'd' }));
      assert.isDefined(await world.get(id));
    });
  });
}
