// Contract: changes that are asked for in one tick, which a store may make in one step.
import { assert } from 'chai';
import { TokenExistsError, TokenRevokedError, ValidationError } from '../../src/tokens/errors.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { refused } from './refusals.js';
import { MAX_DATA_BYTES, newId, SECOND, scatteredId, type World } from './world.js';

export function atOnceContract(world: World): void {
  describe('changes that are asked for at once', () => {
    it('are each made, answered and told by itself', async () => {
      const job = world.job();
      const made = await Promise.all(
        Array.from({ length: 350 }, (_, i) =>
          world.create({
            ...{ id: scatteredId(), owner: `owner ${i % 7}`, data: { i, text: `“${i}”` }, duration: 60 + i },
            ...{ app: i % 3 ? 'shop' : 'other: shop', job, commandId: `create-${i}` },
          }),
        ),
      );
      const changed = await Promise.all(
        made.map(({ id, app }, i) => {
          const how = { app, job, commandId: `change-${i}` };
          return i % 2 ? world.update(id, { [`key ${i % 5}`]: i }, how) : world.refresh(id, 1_000 + i, how);
        }),
      );
      for (const [i, { id, app, owner, data, expiresAt }] of made.entries()) {
        assert.deepEqual(data, { i, text: `“${i}”` });
        assert.equal(owner, `owner ${i % 7}`);
        const now = changed[i] as TokenRecord;
        assert.deepInclude(now, { id, app, owner, version: 2 });
        assert.deepEqual(now.data, i % 2 ? { ...data, [`key ${i % 5}`]: i } : data);
        assert.equal(now.expiresAt === expiresAt, i % 2 === 1);
        assert.deepEqual(await world.get(id, { app }), now);
      }
      const told = await world.facts();
      assert.lengthOf(told, 700);
      for (const [i, { id }] of made.entries()) {
        assert.deepEqual(
          told.filter(({ subject }) => subject === id).map(({ commandId }) => commandId),
          [`create-${i}`, `change-${i}`],
        );
      }
    });

    it('are made in their order', async () => {
      const id = newId();
      const answers = await Promise.all([
        world.update(id, { a: 0 }),
        world.create({ id, data: { a: 1 } }),
        world.update(id, { b: 2 }),
        world.refresh(id, 600),
        world.update(id, { a: null }),
        world.delete(id),
        world.update(id, { c: 3 }),
      ]);
      assert.deepEqual(
        answers.map((answer) => (typeof answer === 'object' ? answer.data : answer)),
        [undefined, { a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2 }, { b: 2 }, true, undefined],
      );
      assert.isUndefined(await world.get(id));
    });

    it('fail alone', async () => {
      const taken = await world.create({ owner: 'bob' });
      const full = await world.create({ data: { text: 'x'.repeat(MAX_DATA_BYTES - 50) } });
      const gone = newId();
      await world.delete(gone);
      const [first, exists, revoked, tooLarge, last] = await Promise.all([
        world.create({ data: { first: true } }),
        refused(world.create({ id: taken.id }), TokenExistsError),
        refused(world.create({ id: gone, ago: SECOND }), TokenRevokedError),
        refused(world.update(full.id, { more: 'x'.repeat(100) }), ValidationError),
        world.update(taken.id, { last: true }),
      ]);
      assert.deepEqual(first.data, { first: true });
      assert.instanceOf(exists, TokenExistsError);
      assert.instanceOf(revoked, TokenRevokedError);
      assert.equal(tooLarge.fields[0]?.field, 'data');
      assert.isTrue(last?.data.last);
    });

    it('of a job are decided once', async () => {
      const job = world.job();
      const ids = Array.from({ length: 20 }, newId);
      const run = () =>
        Promise.all(ids.map((id, i) => world.create({ id, data: { i }, job, commandId: `c${i}`, ago: 1 })));
      const first = await run();
      await Promise.all(ids.map((id) => world.delete(id)));
      assert.deepEqual(await run(), first);
      assert.lengthOf(await world.events(), 40);
    });

    it('revoke each its own', async () => {
      const made = await Promise.all(Array.from({ length: 120 }, () => world.create({ id: scatteredId() })));
      await world.events();
      const gone = await Promise.all(made.map(({ id }, i) => world.delete(i % 2 ? id : scatteredId())));
      assert.deepEqual(
        gone,
        made.map((_, i) => i % 2 === 1),
      );
      assert.lengthOf(await world.list('ann'), 60);
      assert.lengthOf(await world.events(), 60);
    });
  });
}
