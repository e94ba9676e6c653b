// Contract: deleteScope and deleteApp.
import { assert } from 'chai';
import { TokenRevokedError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { newId, SECOND, scatteredId, type World } from './world.js';

export function deleteScopeContract(world: World): void {
  for (const operation of ['deleteScope', 'deleteApp'] as const) {
    describe(operation, () => {
      const reason = operation === 'deleteScope' ? 'deleted-scope' : 'deleted-app';

      it('ends all that there is, of whomever, and nothing else', async () => {
        const ended = await Promise.all(
          ['ann', 'bob', 'c:d', 'ann'].map((owner) => world.create({ id: scatteredId(), owner })),
        );
        const kept = [
          await world.create({ app: 'shop:session' }),
          await world.create({ app: 'shop*', type: 'session' }),
          await world.create({ app: 'sho' }),
        ];
        const reset = await world.create({ type: 'reset' });
        await world.events();
        assert.equal(await world[operation](), operation === 'deleteApp' ? 5 : 4);
        for (const { id } of ended) assert.isUndefined(await world.get(id));
        for (const record of kept) assert.deepEqual(await world.get(record.id, record), record);
        const isOver = (await world.get(reset.id, { type: 'reset' })) === undefined;
        assert.equal(isOver, operation === 'deleteApp');
        const told = await world.facts();
        assert.sameMembers(
          told.map(({ subject }) => subject),
          [...ended, ...(isOver ? [reset] : [])].map(({ id }) => id),
        );
        for (const fact of told) assert.deepInclude(fact, { type: 'token-revoked', reason, version: 1 });
        assert.equal(await world[operation](), 0);
      });

      it('ends more than one step takes', async () => {
        await Promise.all(Array.from({ length: 650 }, (_, i) => world.create({ owner: `o${i % 50}` })));
        assert.equal(await world[operation](), 650);
        assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
      });

      it('keeps creates dead that arrive late, on every shard, and takes later ones', async () => {
        const issuedAt = world.now();
        await world[operation]();
        for (let i = 0; i < 10; i++) {
          for (const custom of [true, false])
            await refused(world.create({ id: scatteredId(), issuedAt, custom }), TokenRevokedError);
        }
        assert.isDefined(await world.create({ app: 'mill', issuedAt }));
        const inOther = world.create({ type: 'reset', issuedAt });
        if (operation === 'deleteApp') await refused(inOther, TokenRevokedError);
        else assert.isDefined(await inOther);
        assert.isDefined(await world.create({ id: newId(), custom: false }));
      });

      it('that waited spares what was created after it was issued, however often it runs', async () => {
        const issuedAt = world.now() - 5_000_000;
        const old = await world.create({ ago: 10 * SECOND });
        const young = await world.create({ ago: 2 * SECOND });
        const job = world.job('revocations');
        for (let i = 0; i < 2; i++)
          assert.equal(await world[operation]({ issuedAt, job, commandId: 'd' }), 1);
        assert.equal(await world[operation]({ issuedAt, job: world.job('revocations') }), 0);
        assert.isUndefined(await world.get(old.id));
        assert.isDefined(await world.update(young.id, { a: 1 }));
        assert.isDefined(await world.create({ ago: SECOND }));
      });

      it('in process ends what was created by a clock that is ahead', async () => {
        const { id } = await world.createAhead();
        assert.equal(await world[operation](), 1);
        assert.isUndefined(await world.get(id));
        assert.isDefined(await world.create({ owner: 'bob' }));
      });

      it('removes what is overdue, and tells of it', async () => {
        await world.create({ duration: 1 });
        await world.advance(2 * SECOND);
        await world.events();
        assert.equal(await world[operation](), 0);
        assert.deepEqual(
          (await world.facts()).map(({ type }) => type),
          ['token-expired'],
        );
        assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
      });

      it('is never too old, and by a sender that is far ahead counts from now on', async () => {
        await world.create({ ago: 800 * SECOND, duration: 99_999 });
        await world.advance(3_600 * SECOND);
        assert.equal(await world[operation]({ ago: 3_600 * SECOND, job: world.job('revocations') }), 1);
        await world.create();
        assert.equal(await world[operation]({ ago: -3_600 * SECOND, job: world.job('revocations') }), 1);
        assert.isDefined(await world.create());
      });
    });
  }
}
