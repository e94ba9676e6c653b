// Contract: consume.
import { assert } from 'chai';
import { CommandExpiredError, TokenRevokedError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, type World } from './world.js';

export function consumeContract(world: World): void {
  describe('consume', () => {
    it('answers the record, and ends it', async () => {
      const made = await world.create({ data: { a: [1] }, hint: 'rt_…abcd', label: 'a "link"' });
      await world.events();
      assert.deepEqual(await world.consume(made.id), made);
      assert.isUndefined(await world.get(made.id));
      assert.isUndefined(await world.consume(made.id));
      assert.deepEqual(await world.facts(), [
        { type: 'token-revoked', subject: made.id, owner: 'ann', version: 1, reason: 'consumed' },
      ]);
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
    });

    it('answers what is said of its use, again to a job that is run twice', async () => {
      const { id } = await world.create({ idle: 30, label: 'a "link"' });
      await world.touch(id);
      const used = await world.get(id);
      assert.isDefined(used?.lastUsedAt);
      const run = { job: world.job(), commandId: 'c', issuedAt: world.now() };
      for (let i = 0; i < 2; i++) assert.deepEqual(await world.consume(id, run), used);
      await world.touch(id);
      assert.isUndefined(await world.get(id));
    });

    it('of two hundred at the same time is answered the record once', async () => {
      const { id } = await world.create();
      const answers = await Promise.all(Array.from({ length: 200 }, () => world.consume(id)));
      assert.lengthOf(answers.filter(Boolean), 1);
      assert.lengthOf(await world.events(), 2);
    });

    it('touches no token of another scope, and finds nothing that has expired', async () => {
      const made = await world.create({ duration: 1 });
      assert.isUndefined(await world.consume(made.id, { app: 'mill' }));
      assert.deepEqual(await world.get(made.id), made);
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.consume(made.id));
    });

    it('leaves a token dead whose create is run again', async () => {
      const create = { id: newId(), issuedAt: world.now(), custom: false };
      await world.create(create);
      await world.consume(create.id);
      await refused(world.create(create), TokenRevokedError);
      await refused(world.create({ ...create, issuedAt: world.now() }), TokenRevokedError);
    });

    it('that found nothing leaves a create alone that is under way', async () => {
      const [id, issuedAt] = [newId(), world.now()];
      assert.isUndefined(await world.consume(id));
      await world.create({ id, issuedAt });
      assert.isDefined(await world.consume(id));
    });

    it('finds nothing in a life that began after it was issued, and is refused when it is too old', async () => {
      const { id } = await world.create({ duration: 9_999 });
      assert.isUndefined(await world.consume(id, { ago: 5 * SECOND, job: world.job(), commandId: 'c' }));
      const ago = MAX_COMMAND_AGE + SECOND;
      await refused(world.consume(id, { ago, job: world.job(), commandId: 'c' }), CommandExpiredError);
      assert.isDefined(await world.get(id));
    });

    it('by a job that is run twice is answered the same record, though it has gone', async () => {
      const job = world.job();
      const made = await world.create({ data: { life: 1 }, label: 'first' });
      const consume = () =>
        world.consume(made.id, { job, commandId: 'c', issuedAt: job.issuedAt + 1_000_000 });
      assert.deepEqual(await consume(), made);
      assert.deepEqual(await consume(), made);
      await world.create({ id: made.id, data: { life: 2 }, ago: -4 * SECOND });
      assert.deepEqual(await consume(), made);
      assert.isUndefined(await world.consume(newId(), { job, commandId: 'none' }));
      assert.lengthOf(await world.events(), 3);
    });

    it('by another job than the one that got it is answered nothing', async () => {
      const { id } = await world.create();
      assert.isDefined(await world.consume(id, { job: world.job(), commandId: 'c' }));
      assert.isUndefined(await world.consume(id, { job: world.job(), commandId: 'c' }));
    });

    it('among other changes of one tick is made in its place', async () => {
      const id = newId();
      const [, updated, consumed, late] = await Promise.all([
        world.create({ id }),
        world.update(id, { a: 1 }),
        world.consume(id),
        world.update(id, { b: 1 }),
      ]);
      assert.deepEqual(consumed, updated);
      assert.isUndefined(late);
    });
  });
}
