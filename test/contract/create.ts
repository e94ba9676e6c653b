// Contract: create.
import { assert } from 'chai';
import { CommandExpiredError, TokenExistsError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { newId, SECOND, type World } from './world.js';

export function createContract(world: World): void {
  describe('create', () => {
    it('answers the record that a get answers afterwards', async () => {
      const id = newId();
      const before = world.nowMs();
      const created = await world.create({ id, owner: 'ann', data: { name: 'Ann' }, duration: 60 });
      const after = world.nowMs();

      assert.deepEqual(
        { ...created, createdAt: 0, expiresAt: 0 },
        {
          id,
          app: 'shop',
          type: 'session',
          owner: 'ann',
          data: { name: 'Ann' },
          version: 1,
          createdAt: 0,
          expiresAt: 0,
        },
      );
      assert.isTrue(Number.isInteger(created.createdAt) && Number.isInteger(created.expiresAt));
      assert.isAtLeast(created.createdAt, Math.floor(before));
      assert.isAtMost(created.createdAt, after);
      assert.equal(created.expiresAt, created.createdAt + 60 * SECOND);
      assert.deepEqual(await world.get(id), created);
    });

    it('says when it was issued as the time of creation, not when it was run', async () => {
      const { createdAt } = await world.create({ ago: 3 * SECOND });
      assert.approximately(createdAt, world.nowMs() - 3 * SECOND, 1 * SECOND);
    });

    it('takes the time of the store as that of creation where the sender is a little ahead', async () => {
      const { createdAt } = await world.create({ ago: -4 * SECOND });
      assert.isAtMost(createdAt, world.nowMs());
    });

    it('lives from when it was issued', async () => {
      const { createdAt, expiresAt } = await world.create({ ago: 4 * SECOND, duration: 60 });
      assert.equal(expiresAt, createdAt + 60 * SECOND);
    });

    it('begins to live in the store where it is run in process for no longer than the call took to begin', async () => {
      const { expiresAt } = await world.create({ ago: 4 * SECOND, duration: 3 });
      assert.approximately(expiresAt, world.nowMs() + 3 * SECOND, 1 * SECOND);
    });

    it('lives from when it was issued where it waited in a queue', async () => {
      const { expiresAt } = await world.create({ ago: 20 * SECOND, duration: 60, job: world.job() });
      assert.approximately(expiresAt, world.nowMs() + 40 * SECOND, 1 * SECOND);
    });

    it('lives from now on where it was queued by a sender that is ahead', async () => {
      const { expiresAt } = await world.create({ ago: -4 * SECOND, duration: 60, job: world.job() });
      assert.approximately(expiresAt, world.nowMs() + 60 * SECOND, 1 * SECOND);
    });

    it('is refused where the life it was to have is over already, and leaves nothing', async () => {
      const id = newId();
      await refused(
        world.create({ id, ago: 61 * SECOND, duration: 60, job: world.job() }),
        CommandExpiredError,
      );
      assert.isUndefined(await world.get(id));
      assert.deepEqual(await world.events(), []);
    });

    it('rounds a life of a fraction of a millisecond up', async () => {
      const before = world.nowMs();
      const { expiresAt } = await world.create({ duration: 0.000_01 });
      assert.isAtLeast(expiresAt, Math.floor(before) + 1);
    });

    it('keeps fractions of seconds', async () => {
      const { createdAt, expiresAt } = await world.create({ duration: 1.25 });
      assert.equal(expiresAt, createdAt + 1_250);
    });

    it('refuses a custom token that is alive, and leaves it as it is', async () => {
      const first = await world.create({ data: { of: 'ann' } });
      await refused(world.create({ id: first.id, owner: 'bob' }), TokenExistsError);
      await refused(world.create({ id: first.id, owner: 'ann' }), TokenExistsError);
      assert.deepEqual(await world.get(first.id), first);
      assert.lengthOf(await world.events(), 1);
    });

    it('takes a custom token that has expired, for another owner too', async () => {
      const id = newId();
      await world.create({ id, owner: 'ann', data: { of: 'ann' }, duration: 1 });
      await world.advance(2 * SECOND);
      const again = await world.create({ id, owner: 'bob', data: { of: 'bob' } });
      assert.equal(again.version, 1);
      assert.deepEqual(await world.get(id), again);
    });

    it('is success for a generated token that exists: it is this create, sent again', async () => {
      const create = { id: newId(), owner: 'ann', data: { a: 1 }, custom: false, issuedAt: world.now() };
      const first = await world.create(create);
      assert.deepEqual(await world.create(create), first);
      assert.lengthOf(await world.events(), 1);
    });

    it('answers the record as it stands where a generated one is sent again', async () => {
      const create = { id: newId(), owner: 'ann', data: { a: 1 }, custom: false, issuedAt: world.now() };
      await world.create(create);
      const updated = await world.update(create.id, { b: 2 });
      assert.deepEqual(await world.create(create), updated);
    });

    it('never takes the token of another owner for its own, generated or not', async () => {
      const first = await world.create({ owner: 'ann' });
      await refused(world.create({ id: first.id, owner: 'bob', custom: false }), TokenExistsError);
      assert.deepEqual(await world.get(first.id), first);
    });

    it('never takes a token of another scope for its own', async () => {
      const first = await world.create({ app: 'shop' });
      for (const scope of [{ app: 'mill' }, { type: 'reset' }]) {
        await refused(world.create({ id: first.id, custom: false, ...scope }), TokenExistsError);
      }
      assert.deepEqual(await world.get(first.id), first);
    });

    it('is success for a custom token of the very same moment and owner: its own write, sent again', async () => {
      const create = { id: newId(), owner: 'ann', issuedAt: world.now() };
      const first = await world.create(create);
      assert.deepEqual(await world.create(create), first);
      await refused(world.create({ ...create, owner: 'bob' }), TokenExistsError);
      await refused(world.create({ ...create, issuedAt: create.issuedAt - 1 }), TokenExistsError);
      assert.lengthOf(await world.events(), 1);
    });

    it('succeeds once of many at the same time', async () => {
      const id = newId();
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => world.create({ id, owner: `owner ${i}` })),
      );
      assert.lengthOf(
        answers.filter(({ status }) => status === 'fulfilled'),
        1,
      );
      assert.lengthOf(await world.events(), 1);
    });

    it('shares no object with its caller', async () => {
      const data = { list: [1] };
      const created = await world.create({ data });
      data.list.push(2);
      (created.data as typeof data).list.push(3);
      assert.deepEqual((await world.get(created.id))?.data, { list: [1] });
    });
  });
}
