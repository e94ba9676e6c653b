// Contract: revocation wins over what was issued before it, and over that only.
import { assert } from 'chai';
import { TokenExistsError, TokenRevokedError } from '../../src/tokens/errors.js';
import { ANN } from './limit.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, scatteredId, type World } from './world.js';

const GRACE = 60 * SECOND;

export function markContract(world: World): void {
  describe('a revocation', () => {
    it('keeps a token dead whose create arrives late, though it found nothing', async () => {
      for (const job of [undefined, world.job()]) {
        const [id, issuedAt] = [newId(), world.now()];
        assert.isFalse(await world.delete(id));
        await refused(world.create({ id, issuedAt, ...(job && { job }) }), TokenRevokedError);
        assert.isUndefined(await world.get(id));
      }
      assert.deepEqual(await world.events(), []);
    });

    it('keeps a token dead whose create is run again', async () => {
      const create = { id: newId(), issuedAt: world.now(), custom: false };
      await world.create(create);
      await world.delete(create.id);
      await refused(world.create(create), TokenRevokedError);
      assert.isUndefined(await world.get(create.id));
    });

    it('refuses a create that was issued at its very moment, and takes the next', async () => {
      const issuedAt = world.now() - 2_000_000;
      const [id, job] = [newId(), world.job('revocations')];
      await world.delete(id, { issuedAt, job });
      await refused(world.create({ id, issuedAt }), TokenRevokedError);
      assert.isDefined(await world.create({ id, issuedAt: issuedAt + 1 }));
    });

    it('lets a custom token be used anew, and a generated one never', async () => {
      const id = newId();
      await world.delete(id);
      await refused(world.create({ id, custom: false }), TokenRevokedError);
      assert.isDefined(await world.create({ id, custom: true }));
    });

    it('is looked for before what exists', async () => {
      const issuedAt = world.now();
      const { id } = await world.create();
      const other = await world.create();
      await world.delete(other.id);
      await world.create({ id: other.id });
      await refused(world.create({ id: other.id, issuedAt }), TokenRevokedError);
      await refused(world.create({ id, issuedAt }), TokenExistsError);
    });

    it('of all tokens of an owner keeps those dead that arrive late, on every shard', async () => {
      const issuedAt = world.now();
      await world.deleteAll('ann');
      for (let i = 0; i < 10; i++) {
        await refused(world.create({ id: scatteredId(), issuedAt }), TokenRevokedError);
        await refused(world.create({ id: scatteredId(), issuedAt, custom: false }), TokenRevokedError);
      }
      assert.isDefined(await world.create({ owner: 'bob', issuedAt }));
      assert.isDefined(await world.create({ type: 'reset', issuedAt }));
      assert.isDefined(await world.create({ app: 'mill', issuedAt }));
      assert.isDefined(await world.create({ custom: false }));
    });

    it('that waited harms no newer log-in, however often it runs', async () => {
      const issuedAt = world.now() - 5_000_000;
      const { id } = await world.create({ ago: 2 * SECOND });
      for (let i = 0; i < 3; i++) {
        assert.equal(await world.deleteAll('ann', { issuedAt, job: world.job('revocations') }), 0);
        assert.isFalse(await world.delete(id, { issuedAt, job: world.job('revocations') }));
      }
      assert.isDefined(await world.get(id));
      assert.isDefined(await world.update(id, { a: 1 }));
      assert.isDefined(await world.create({ ago: 1 * SECOND }));
    });

    it('is never lowered by one that was issued earlier', async () => {
      const issuedAt = world.now();
      const id = newId();
      await world.delete(id);
      await world.deleteAll('ann');
      await world.delete(id, { ago: 60 * SECOND, job: world.job('revocations') });
      await world.deleteAll('ann', { ago: 60 * SECOND, job: world.job('revocations') });
      await refused(world.create({ id, owner: 'bob', issuedAt }), TokenRevokedError);
      await refused(world.create({ issuedAt }), TokenRevokedError);
    });

    it('is raised by one that was issued later', async () => {
      const id = newId();
      await world.delete(id, { ago: 60 * SECOND, job: world.job('revocations') });
      await world.delete(id, { ago: 30 * SECOND, job: world.job('revocations') });
      await refused(world.create({ id, ago: 40 * SECOND }), TokenRevokedError);
      assert.isDefined(await world.create({ id, ago: 20 * SECOND }));
    });

    for (const [reason, revoke] of [
      ['deleted', (id: string) => world.delete(id, { ago: -3 * SECOND, job: world.job('revocations') })],
      ['deleted-all', () => world.deleteAll('ann', { ago: -3 * SECOND, job: world.job('revocations') })],
    ] as const) {
      it(`by a sender whose clock is ahead spares what it creates next (${reason})`, async () => {
        const id = newId();
        await revoke(id);
        await world.create({ id, ago: -4 * SECOND });
        assert.isDefined(await world.update(id, { a: 1 }, { ago: -4 * SECOND }));
        assert.isDefined(await world.refresh(id, 90, { ago: -4 * SECOND }));
        assert.isDefined(await world.get(id));
      });
    }

    it('of an id that lives in another scope harms it neither now nor later', async () => {
      const { id } = await world.create();
      await world.delete(id, { app: 'mill' });
      await world.delete(id, { type: 'reset' });
      assert.isDefined(await world.update(id, { a: 1 }));
      assert.isDefined(await world.refresh(id, 90));
      const next = newId();
      const issuedAt = world.now();
      await world.delete(next, { app: 'mill' });
      assert.isDefined(await world.create({ id: next, custom: false, issuedAt }));
    });

    it('is remembered for as long as a command can arrive, and a minute more', async () => {
      const [id, other] = [newId(), newId()];
      await world.delete(id);
      await world.advance(MAX_COMMAND_AGE + GRACE - 5 * SECOND);
      await world.delete(other);
      await refused(world.create({ id, custom: false }), TokenRevokedError);
      await world.advance(10 * SECOND);
      await world.delete(newId());
      assert.isDefined(await world.create({ id, custom: false }));
      await refused(world.create({ id: other, custom: false }), TokenRevokedError);
    });

    it('that is pushed out by a create of the same moment refuses those beside it', async () => {
      const gone = newId();
      await world.create({ owner: ANN, custom: false });
      await world.delete(gone, { ago: 10 * SECOND, job: world.job('revocations'), commandId: 'a' });
      const issuedAt = world.now() - 11_000_000;
      await world.subject.fillMarks(99_999, issuedAt + 2_000_000);
      const limit = { max: 1, overflow: 'end-oldest' };
      const [made] = await Promise.all([
        world.create({ owner: ANN, custom: false, limit }),
        refused(world.create({ id: gone, issuedAt }), TokenRevokedError),
      ]);
      assert.isDefined(await world.get(made.id));
    }).timeout(60_000);

    it('that a flood of others pushed out refuses every create that was issued before it', async () => {
      const [id, stays] = [newId(), newId()];
      const revocations = world.job('revocations');
      await world.delete(id, { ago: 10 * SECOND, job: revocations, commandId: 'a' });
      const before = world.now() - 10_100_000;
      await world.subject.fillMarks(99_999, world.now() - 9_000_000);
      assert.isDefined(await world.create({ issuedAt: before }));
      await world.delete(stays, { ago: 8 * SECOND, job: revocations, commandId: 'b' });
      await refused(world.create({ issuedAt: before }), TokenRevokedError);
      await refused(world.create({ id, issuedAt: before }), TokenRevokedError);
      await refused(world.create({ id: stays, ago: 9 * SECOND }), TokenRevokedError);
      assert.isDefined(await world.create({ ago: 7 * SECOND }));
    }).timeout(60_000);
  });
}
