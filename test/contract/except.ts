// Contract: deleteAll of all but one.
import { assert } from 'chai';
import { TokenRevokedError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { newId, SECOND, scatteredId, type World } from './world.js';

export function exceptContract(world: World): void {
  describe('deleteAll but one', () => {
    it('ends every other token of the owner, and neither counts nor tells of the one', async () => {
      for (let i = 0; i < 20; i++) {
        const made = await Promise.all(Array.from({ length: 3 }, () => world.create({ id: scatteredId() })));
        await world.events();
        const [one] = made;
        assert.equal(await world.deleteAll('ann', { except: one?.id }), 2);
        assert.deepEqual(await world.list('ann'), [one]);
        assert.lengthOf(await world.events(), 2);
        await world.deleteAll('ann');
      }
    });

    it('leaves the one alive through all that follows, until it is revoked itself', async () => {
      for (const end of [
        (id: string) => world.delete(id),
        () => world.deleteAll('ann').then(Boolean),
        () => world.deleteScope().then(Boolean),
      ]) {
        const { id } = await world.create({ id: scatteredId(), label: 'this "browser"', data: { a: 1 } });
        for (let i = 0; i < 2; i++) await world.deleteAll('ann', { except: id });
        assert.deepInclude(await world.update(id, { b: 1 }), {
          data: { a: 1, b: 1 },
          label: 'this "browser"',
        });
        assert.isDefined(await world.refresh(id, 600));
        const found = await world.get(id);
        assert.hasAllKeys(found, 'id app type owner data version createdAt expiresAt label'.split(' '));
        assert.isTrue(await end(id));
        assert.isUndefined(await world.get(id));
      }
    });

    it('leaves what is said of the one’s use as it is, before and behind, and lets it be used', async () => {
      const { id } = await world.create({ id: scatteredId(), idle: 30, hint: 'rt_…abcd' });
      const unused = await world.get(id);
      await world.deleteAll('ann', { except: id });
      assert.deepEqual(await world.get(id), unused);
      await world.touch(id);
      const used = await world.get(id);
      assert.isDefined(used?.lastUsedAt);
      await world.deleteAll('ann', { except: id });
      assert.deepEqual(await world.get(id), used);
      await world.advance(25 * SECOND);
      await world.touch(id);
      await world.refresh(id, 600);
      const keys =
        'id app type owner data version createdAt expiresAt hint idle absoluteExpiresAt lastUsedAt';
      assert.hasAllKeys(await world.get(id), keys.split(' '));
      await world.advance(31 * SECOND);
      assert.isUndefined(await world.get(id));
    });

    it('excepts nothing of another owner or scope, and nothing that is not there', async () => {
      const ann = await world.create();
      const bob = await world.create({ owner: 'bob' });
      assert.equal(await world.deleteAll('ann', { except: bob.id }), 1);
      assert.deepEqual(await world.get(bob.id), bob);
      assert.isUndefined(await world.get(ann.id));
      const mill = await world.create({ app: 'mill' });
      await world.create();
      assert.equal(await world.deleteAll('ann', { except: mill.id }), 1);
      assert.equal(await world.deleteAll('ann', { except: newId() }), 0);
      assert.deepEqual(await world.get(mill.id, { app: 'mill' }), mill);
    });

    it('does not save the one from what revokes its owner afterwards, nor from what did before', async () => {
      const one = await world.create({ ago: 20 * SECOND });
      const issue = (ago: number, commandId: string) => ({ ago, commandId, job: world.job('revocations') });
      assert.equal(await world.deleteAll('ann', { except: one.id, ...issue(5 * SECOND, 'but one') }), 0);
      // Issued before, and late.
      assert.equal(await world.deleteAll('ann', issue(10 * SECOND, 'all')), 1);
      assert.isUndefined(await world.get(one.id));
    });

    it('keeps a create of the one dead that arrives late', async () => {
      const [id, issuedAt] = [newId(), world.now()];
      await world.deleteAll('ann', { except: id });
      await refused(world.create({ id, issuedAt }), TokenRevokedError);
    });

    it('runs late and twice to the same', async () => {
      const one = await world.create({ ago: 20 * SECOND });
      await world.create({ ago: 20 * SECOND });
      const issue = { issuedAt: world.now() - 10_000_000, job: world.job('revocations'), commandId: 'x' };
      for (let i = 0; i < 2; i++) assert.equal(await world.deleteAll('ann', { except: one.id, ...issue }), 1);
      assert.isDefined(await world.update(one.id, { a: 1 }));
      assert.isDefined(await world.create({ ago: 5 * SECOND }));
    });
  });
}
