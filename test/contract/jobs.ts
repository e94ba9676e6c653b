// Contract: what was decided for a job's command is answered again, and applied once.
import { assert } from 'chai';
import {
  CommandExpiredError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
} from '../../src/tokens/errors.js';
import type { JobReference } from '../../src/tokens/repository.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, MAX_DATA_BYTES, newId, SECOND, type World } from './world.js';

export function jobContract(world: World): void {
  describe('a job that is run twice', () => {
    let job: JobReference;
    beforeEach(() => {
      job = world.job();
    });

    it('creates once', async () => {
      const create = { id: newId(), data: { a: 1 }, job, commandId: 'c', issuedAt: world.now() };
      const first = await world.create(create);
      assert.deepEqual(await world.create(create), first);
      assert.lengthOf(await world.events(), 1);
    });

    it('creates nothing again after the token was revoked, and answers what it did', async () => {
      const create = { id: newId(), data: { a: [], u: undefined }, job, commandId: 'c' };
      const first = await world.create(create);
      await world.delete(create.id);
      assert.deepEqual(await world.create(create), first);
      assert.isUndefined(await world.get(create.id));
      assert.lengthOf(await world.events(), 2);
    });

    it('answers what it found then, where that was changed since and is over by now', async () => {
      const create = { id: newId(), custom: false, issuedAt: world.now() };
      const first = await world.create(create);
      const found = { ...create, job, commandId: 'c' };
      assert.deepEqual(await world.create(found), first);
      await world.update(create.id, { a: 1 });
      await world.delete(create.id);
      assert.deepEqual(await world.create(found), first);
    });

    it('never shows what another owner made of the same id since', async () => {
      const create = { id: newId(), owner: 'ann', data: { of: 'ann' }, job, commandId: 'c' };
      const first = await world.create(create);
      await world.delete(create.id);
      await world.create({ id: create.id, owner: 'bob', data: { of: 'bob' } });
      assert.deepEqual(await world.create(create), first);
    });

    it('never shows a later life of the same id as the one that it created', async () => {
      const create = { id: newId(), owner: 'ann', data: { life: 1 }, job, commandId: 'c' };
      const first = await world.create(create);
      await world.delete(create.id);
      await world.advance(2 * SECOND);
      await world.create({ id: create.id, owner: 'ann', data: { life: 2 } });
      assert.deepEqual((await world.create(create)).data, first.data);
    });

    it('never shows a later life of the same id as the one that it changed', async () => {
      const { id } = await world.create({ owner: 'ann', ago: 30 * SECOND });
      const update = () => world.update(id, { a: 1 }, { job, commandId: 'u', ago: 20 * SECOND });
      const refresh = () => world.refresh(id, 600, { job, commandId: 'r', ago: 20 * SECOND });
      assert.isDefined(await update());
      assert.isDefined(await refresh());
      await world.delete(id);
      await world.create({ id, owner: 'bob' });
      assert.isUndefined(await update());
      assert.isUndefined(await refresh());
    });

    it('updates once, and answers the record as of now', async () => {
      const { id } = await world.create();
      await world.update(id, { a: 1 }, { job, commandId: 'u' });
      const other = await world.update(id, { a: 2 });
      assert.deepEqual(await world.update(id, { a: 1 }, { job, commandId: 'u' }), other);
      assert.equal((await world.get(id))?.version, 3);
      assert.lengthOf(await world.events(), 3);
    });

    it('refreshes once', async () => {
      const { id } = await world.create();
      const first = await world.refresh(id, 600, { job, commandId: 'r' });
      await world.advance(5 * SECOND);
      const again = await world.refresh(id, 600, { job, commandId: 'r' });
      assert.equal(again?.version, 2);
      assert.isBelow(again?.expiresAt ?? 0, world.nowMs() + 596 * SECOND);
      assert.isDefined(first);
      assert.lengthOf(await world.events(), 2);
    });

    it('deletes once, and answers the same', async () => {
      const { id } = await world.create();
      assert.isTrue(await world.delete(id, { job, commandId: 'd' }));
      await world.create({ id });
      assert.isTrue(await world.delete(id, { job, commandId: 'd' }));
      assert.isDefined(await world.get(id));
    });

    it('deletes all once, and answers the same number', async () => {
      await world.create();
      await world.create();
      const issuedAt = world.now();
      assert.equal(await world.deleteAll('ann', { job, commandId: 'd', issuedAt }), 2);
      const later = await world.create();
      assert.equal(await world.deleteAll('ann', { job, commandId: 'd', issuedAt }), 2);
      assert.deepEqual(await world.get(later.id), later);
    });

    it('that found nothing finds nothing, though there is a token by now', async () => {
      const id = newId();
      const gone = newId();
      assert.isUndefined(await world.update(id, { a: 1 }, { job, commandId: 'u' }));
      assert.isUndefined(await world.refresh(id, 60, { job, commandId: 'r' }));
      assert.isFalse(await world.delete(gone, { job, commandId: 'd' }));
      const created = await world.create({ id });
      await world.create({ id: gone });
      assert.isUndefined(await world.update(id, { a: 1 }, { job, commandId: 'u' }));
      assert.isUndefined(await world.refresh(id, 60, { job, commandId: 'r' }));
      assert.isFalse(await world.delete(gone, { job, commandId: 'd' }));
      assert.deepEqual(await world.get(id), created);
      assert.isDefined(await world.get(gone));
    });

    it('that was refused is refused in the same way, though it would do by now', async () => {
      const taken = await world.create();
      const late = world.now();
      const marked = newId();
      await world.delete(marked);
      const calls = [
        [TokenExistsError, () => world.create({ id: taken.id, job, commandId: 'exists' })],
        [TokenRevokedError, () => world.create({ id: marked, issuedAt: late, job, commandId: 'revoked' })],
        [
          CommandExpiredError,
          () => world.create({ ago: MAX_COMMAND_AGE + SECOND, duration: 9_999, job, commandId: 'expired' }),
        ],
        [CommandExpiredError, () => world.create({ ago: 9 * SECOND, duration: 1, job, commandId: 'over' })],
      ] as const;
      for (const [kind, call] of calls) await refused(call(), kind);
      await world.delete(taken.id);
      for (const [kind, call] of calls) await refused(call(), kind);
      await refused(world.create({ job, commandId: 'expired' }), CommandExpiredError);
      assert.isUndefined(await world.get(taken.id));
    });

    it('that was ahead of the time, or too large, is refused in the same way', async () => {
      const half = 'x'.repeat(MAX_DATA_BYTES / 2);
      const { id } = await world.create({ data: { a: half } });
      const large = () => world.update(id, { b: half }, { job, commandId: 'large' });
      const ahead = (ago: number) => world.update(id, { c: 1 }, { ago, job, commandId: 'ahead' });
      const first = [
        await refused(large(), ValidationError),
        await refused(ahead(-8 * SECOND), ValidationError),
      ];
      await world.update(id, { a: null });
      const second = [await refused(large(), ValidationError), await refused(ahead(0), ValidationError)];
      assert.deepEqual(
        second.map(({ message, fields }) => ({ message, fields })),
        first.map(({ message, fields }) => ({ message, fields })),
      );
    });

    it('is answered although it is too old by now', async () => {
      const create = { id: newId(), duration: 9_999, job, commandId: 'c' };
      await world.create(create);
      await world.advance(MAX_COMMAND_AGE + 60 * SECOND);
      const again = await world.create({ ...create, ago: MAX_COMMAND_AGE + 60 * SECOND });
      assert.equal(again.version, 1);
      assert.lengthOf(await world.events(), 1);
    });

    it('is forgotten after seven days, when what is too old is refused', async () => {
      const update = { job, commandId: 'c' };
      const { id } = await world.create({ duration: 30 * 86_400 });
      await world.update(id, { a: 1 }, update);
      await world.advance(6.9 * 86_400 * SECOND);
      const old = { ...update, ago: 6.9 * 86_400 * SECOND };
      assert.isDefined(await world.update(id, { a: 1 }, old));
      await world.advance(0.2 * 86_400 * SECOND);
      await refused(world.update(id, { a: 1 }, { ...old, ago: 7.1 * 86_400 * SECOND }), CommandExpiredError);
      assert.equal((await world.get(id))?.version, 2);
    });

    it('is told apart by its queue, its id, its first stamp and its commands', async () => {
      const { id } = await world.create();
      const run = (other: Partial<JobReference>, commandId = 'c') =>
        world.update(id, { a: 1 }, { job: { ...job, ...other }, commandId });
      await run({});
      await run({ queue: 'revocations' });
      await run({ id: 'other' });
      await run({ issuedAt: job.issuedAt + 1 });
      await run({}, 'd');
      assert.equal((await world.get(id))?.version, 6);
      await run({});
      assert.equal((await world.get(id))?.version, 6);
    });

    it('keeps nothing for what runs in process', async () => {
      const { id } = await world.create();
      await world.update(id, { a: 1 }, { commandId: 'c' });
      await world.update(id, { a: 1 }, { commandId: 'c' });
      assert.equal((await world.get(id))?.version, 3);
    });
  });
}
