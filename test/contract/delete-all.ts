// Contract: deleteAll.
import { assert } from 'chai';
import { MICROS_PER_MS } from '../../src/tokens/clock.js';
import { newId, SECOND, scatteredId, type World } from './world.js';

export function deleteAllContract(world: World): void {
  describe('deleteAll', () => {
    it('ends every token of the owner in the scope, wherever they lie, and answers their number', async () => {
      const ids = Array.from({ length: 30 }, scatteredId);
      await Promise.all(ids.map((id) => world.create({ id })));
      assert.equal(await world.deleteAll('ann'), 30);
      assert.deepEqual(await Promise.all(ids.map((id) => world.get(id))), Array(30).fill(undefined));
      assert.deepEqual(await world.list('ann'), []);
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
      assert.equal(await world.deleteAll('ann'), 0);
    });

    it('in process ends what was made by a sender whose clock is ahead, after a revocation of its id', async () => {
      const id = newId();
      const issuedAt = world.now() + 4 * SECOND * MICROS_PER_MS;
      await world.delete(id, { issuedAt, job: world.job('revocations'), commandId: 'out' });
      await world.create({ id, custom: true, issuedAt: issuedAt + 1, job: world.job(), commandId: 'in' });
      assert.equal(await world.deleteAll('ann'), 1);
      assert.isUndefined(await world.get(id));
    });

    it('tells of each that it ended, once', async () => {
      const ids = Array.from({ length: 3 }, newId);
      for (const id of ids) await world.create({ id });
      await world.update(ids[1] as string, { a: 1 });
      await world.events();
      await world.deleteAll('ann');
      await world.deleteAll('ann');
      assert.sameDeepMembers(
        await world.facts(),
        ids.map((subject, i) => ({
          type: 'token-revoked' as const,
          subject,
          owner: 'ann',
          version: i === 1 ? 2 : 1,
          reason: 'deleted-all' as const,
        })),
      );
    });

    it('in process ends a token that is yet to come, by a creator whose clock is ahead', async () => {
      const { id } = await world.createAhead();
      assert.equal(await world.deleteAll('ann'), 1);
      assert.isUndefined(await world.get(id));
      assert.deepEqual(await world.list('ann'), []);
    });

    it('touches no other owner and no other scope', async () => {
      await world.create();
      const others = [
        await world.create({ owner: 'anna' }),
        await world.create({ owner: 'an' }),
        await world.create({ type: 'reset' }),
        await world.create({ app: 'mill' }),
      ];
      assert.equal(await world.deleteAll('ann'), 1);
      for (const { id, app, type, ...rest } of others) {
        assert.deepEqual(await world.get(id, { app, type }), { id, app, type, ...rest });
      }
    });

    it('ends thousands', async () => {
      await Promise.all(Array.from({ length: 2_500 }, () => world.create({ id: newId(), duration: 600 })));
      const other = await world.create({ owner: 'bob' });
      await world.events();
      assert.equal(await world.deleteAll('ann'), 2_500);
      assert.deepEqual(await world.list('ann'), []);
      assert.deepEqual(await world.list('bob'), [other]);
      const revoked = new Set((await world.facts()).map(({ subject }) => subject));
      assert.equal(revoked.size, 2_500);
    });

    it('ends thousands that expire in the same millisecond', async () => {
      const issuedAt = world.now();
      const job = world.job();
      await Promise.all(
        Array.from({ length: 1_500 }, (_, i) =>
          world.create({ id: newId(), duration: 600, issuedAt, job, commandId: String(i) }),
        ),
      );
      assert.equal(await world.deleteAll('ann'), 1_500);
    });

    it('that waited spares, of thousands, those that were created after it was issued', async () => {
      const issuedAt = world.now() - 10_000_000;
      const create = (i: number) =>
        world.create({ id: newId(), duration: 600 + (i % 7), issuedAt: issuedAt + (i % 2) });
      await Promise.all(Array.from({ length: 1_400 }, (_, i) => create(i)));
      assert.equal(await world.deleteAll('ann', { issuedAt, job: world.job('revocations') }), 700);
      const left = await world.list('ann', { limit: 2_000 });
      assert.lengthOf(left, 700);
    });

    it('in process ends what was created before it ran, though it was issued earlier', async () => {
      const issuedAt = world.now();
      await world.create();
      assert.equal(await world.deleteAll('ann', { issuedAt }), 1);
    });

    it('does not count what has expired, and tells of it as expired', async () => {
      const over = await world.create({ duration: 1 });
      const alive = await world.create({ duration: 60 });
      await world.advance(2 * SECOND);
      await world.events();
      assert.equal(await world.deleteAll('ann'), 1);
      assert.sameDeepMembers(await world.facts(), [
        { type: 'token-expired', subject: over.id, owner: 'ann' },
        { type: 'token-revoked', subject: alive.id, owner: 'ann', version: 1, reason: 'deleted-all' },
      ]);
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
    });

    it('never touches a custom token that lives again under another owner', async () => {
      // Two that a create may end in place of ann's.
      for (const owner of ['cid', 'dan']) await world.create({ owner, duration: 1 });
      const { id } = await world.create({ owner: 'ann', duration: 2 });
      await world.advance(5 * SECOND);
      const again = await world.create({ id, owner: 'bob' });
      assert.equal(await world.deleteAll('ann'), 0);
      assert.deepEqual(await world.get(id), again);
      for (const owner of ['cid', 'dan']) await world.list(owner);
      assert.deepEqual(await world.indexSizes(), { byOwner: 1, byScope: 1 });
    });

    it('is never too old, and by a sender that is far ahead counts from now on', async () => {
      await world.create({ ago: 800 * SECOND, duration: 99_999 });
      await world.advance(3_600 * SECOND);
      assert.equal(await world.deleteAll('ann', { ago: 3_600 * SECOND, job: world.job('revocations') }), 1);
      await world.create();
      assert.equal(await world.deleteAll('ann', { ago: -3_600 * SECOND, job: world.job('revocations') }), 1);
      assert.isDefined(await world.create());
    });
  });
}
