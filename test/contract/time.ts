// Contract: deadlines, age, and clocks that are ahead.
import { assert } from 'chai';
import { CommandExpiredError, StoreUnavailableError, ValidationError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, type World } from './world.js';

export function timeContract(world: World): void {
  describe('time', () => {
    it('rises with every look at it, in whole microseconds', () => {
      let last = 0;
      for (let i = 0; i < 10_000; i++) {
        const now = world.now();
        assert.isTrue(Number.isSafeInteger(now) && now > last);
        last = now;
      }
    });

    it('is always later than what a change was told', async () => {
      const { id, createdAt } = await world.create();
      assert.isAbove(world.nowMs(), createdAt);
      await world.delete(id);
      // Log out everywhere, log in at once: never refused.
      for (let i = 0; i < 50; i++) {
        await world.deleteAll('ann');
        await world.create();
      }
    });

    it('changes nothing for an attempt whose time is up', async () => {
      const created = await world.create();
      const late = { until: world.now() - 1 };
      const id = newId();
      for (const call of [
        () => world.create({ id, ...late }),
        () => world.update(created.id, { a: 1 }, late),
        () => world.refresh(created.id, 600, late),
        () => world.delete(created.id, late),
        () => world.deleteAll('ann', late),
      ]) {
        const error = await refused(call(), StoreUnavailableError);
        assert.equal(error.outcome, 'none');
      }
      assert.deepEqual(await world.get(created.id), created);
      assert.isUndefined(await world.get(id));
      assert.lengthOf(await world.events(), 1);
      // Nor is it remembered as revoked.
      assert.isDefined(await world.create({ id, issuedAt: late.until }));
    });

    it('puts the deadline before what was decided: another attempt asks for that', async () => {
      const job = world.job();
      const { id } = await world.create({ job, commandId: 'a' });
      await refused(world.create({ id, job, commandId: 'a', until: world.now() - 1 }), StoreUnavailableError);
    });

    it('refuses commands that are too old, but for revocations', async () => {
      const { id } = await world.create({ ago: MAX_COMMAND_AGE - SECOND, duration: 9_999 });
      const old = { ago: MAX_COMMAND_AGE + SECOND };
      for (const job of [undefined, world.job()]) {
        const queued = (commandId: string) => (job ? { ...old, job, commandId } : old);
        await refused(world.create({ duration: 9_999, ...queued('a') }), CommandExpiredError);
        await refused(world.update(id, { a: 1 }, queued('b')), CommandExpiredError);
        await refused(world.refresh(id, 9_999, queued('c')), CommandExpiredError);
      }
      assert.isFalse(await world.delete(newId(), { ...old, job: world.job('revocations') }));
      assert.equal(await world.deleteAll('ann', { ...old, job: world.job('revocations') }), 0);
      assert.equal((await world.get(id))?.version, 1);
    });

    it('refuses commands that are more than five seconds ahead, and names the field', async () => {
      const { id } = await world.create();
      const ahead = { ago: -7 * SECOND };
      for (const call of [
        () => world.create(ahead),
        () => world.update(id, { a: 1 }, ahead),
        () => world.refresh(id, 9, ahead),
      ]) {
        const error = await refused(call(), ValidationError);
        assert.deepEqual(
          error.fields.map(({ field }) => field),
          ['issuedAt'],
        );
        assert.match(error.fields[0]?.problem ?? '', /more than 5 seconds ahead/);
      }
      assert.equal((await world.get(id))?.version, 1);
      assert.isDefined(await world.update(id, { a: 1 }, { ago: -4 * SECOND }));
    });
  });
}
