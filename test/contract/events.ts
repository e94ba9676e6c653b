// Contract: every change is told of once, in the form of a CloudEvent; what changes nothing is not told of.
import { assert } from 'chai';
import { MAX_DATA_BYTES, newId, SECOND, type World } from './world.js';

export function eventContract(world: World): void {
  describe('events', () => {
    it('tell each change once, with version, reason and nothing more', async () => {
      const { id } = await world.create();
      await world.update(id, { secret: 'of the user' });
      await world.refresh(id, 90);
      await world.delete(id);
      assert.deepEqual(await world.facts(), [
        { type: 'token-created', subject: id, owner: 'ann', version: 1 },
        { type: 'token-updated', subject: id, owner: 'ann', version: 2 },
        { type: 'token-refreshed', subject: id, owner: 'ann', version: 3 },
        { type: 'token-revoked', subject: id, owner: 'ann', version: 3, reason: 'deleted' },
      ]);
    });

    it('are CloudEvents 1.0', async () => {
      const before = world.nowMs();
      const { id } = await world.create({ app: 'shop', type: 'session', owner: 'ann' });
      const [event] = await world.events();
      assert.deepEqual(
        { ...event, id: '', time: '' },
        {
          specversion: '1.0',
          id: '',
          source: 'redis-tokens',
          type: 'token-created',
          subject: id,
          time: '',
          data: { app: 'shop', type: 'session', owner: 'ann', version: 1 },
        },
      );
      assert.match(event?.id ?? '', /^\d+-\d+-\d+$/);
      assert.match(event?.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const time = Date.parse(event?.time ?? '');
      assert.isAtLeast(time, Math.floor(before));
      assert.isAtMost(time, world.nowMs());
      assert.equal(new Date(time).toISOString(), event?.time);
    });

    it('have ids that are unique and rise within their shard', async () => {
      await Promise.all(Array.from({ length: 200 }, () => world.create()));
      const places = (await world.events()).map(
        ({ id }) => id.split('-').map(Number) as [number, number, number],
      );
      assert.lengthOf(places, 200);
      for (const [i, [shard, ms, sequence]] of places.entries()) {
        const before = places[i - 1];
        if (!before) continue;
        assert.equal(shard, before[0]);
        assert.isTrue(
          ms > before[1] || (ms === before[1] && sequence > before[2]),
          `${before} before ${[ms, sequence]}`,
        );
      }
    });

    it('name the command that made the change', async () => {
      const job = world.job();
      const { id } = await world.create({ commandId: 'c-1', job });
      await world.update(id, { a: 1 }, { commandId: 'u-1', job });
      await world.refresh(id, 90, { commandId: 'r-1' });
      await world.update(id, { a: 2 });
      await world.delete(id, { commandId: 'd.1', job });
      await world.create();
      await world.deleteAll('ann', { commandId: 'all_1', job });
      assert.deepEqual(
        (await world.facts()).map(({ commandId }) => commandId),
        ['c-1', 'u-1', 'r-1', undefined, 'd.1', undefined, 'all_1'],
      );
    });

    it('tell nothing of what changed nothing', async () => {
      const created = await world.create({ data: { a: 'x'.repeat(MAX_DATA_BYTES - 8) } });
      await world.events();
      const missing = newId();
      await Promise.allSettled([
        world.create({ id: created.id }),
        world.create({ ago: 9 * SECOND, duration: 1, job: world.job() }),
        world.get(created.id),
        world.get(missing),
        world.update(missing, { a: 1 }),
        world.update(created.id, { b: 1 }),
        world.refresh(missing, 60),
        world.delete(missing),
        world.deleteAll('nobody'),
        world.list('ann'),
      ]);
      assert.deepEqual(await world.events(), []);
    });

    it('tell how each life ended, once for each', async () => {
      const custom = newId();
      for (let life = 0; life < 3; life++) {
        await world.create({ id: custom, duration: 1 });
        await world.advance(2 * SECOND);
      }
      await world.list('ann');
      assert.deepEqual(
        (await world.facts()).map(({ type }) => type),
        Array(3).fill(['token-created', 'token-expired']).flat(),
      );
    });
  });
}
