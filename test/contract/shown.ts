// Contract: what is shown beside a token in a list.
import { assert } from 'chai';
import type { World } from './world.js';

export function shownContract(world: World): void {
  describe('a hint and a label', () => {
    it('are answered by every operation and list, and kept by every change', async () => {
      const shown = { hint: 'rt_…a"9,}', label: 'Ann’s “phone” \\ {1}, 🙂 %22' };
      const created = await world.create({ ...shown, data: { a: 1 } });
      assert.deepInclude(created, shown);
      assert.deepEqual(await world.get(created.id), created);
      const updated = await world.update(created.id, { a: null, b: [1] });
      assert.deepEqual(updated, { ...created, version: 2, data: { b: [1] } });
      const refreshed = await world.refresh(created.id, 90);
      assert.deepInclude(refreshed, { ...shown, version: 3, data: { b: [1] } });
      assert.deepEqual(await world.list('ann'), [refreshed]);
    });

    it('stand alone, and are absent where they were not given', async () => {
      const [hinted, labelled, plain] = await Promise.all([
        world.create({ hint: 'x…1234' }),
        world.create({ label: 'x' }),
        world.create(),
      ]);
      assert.notProperty(hinted, 'label');
      assert.notProperty(labelled, 'hint');
      for (const name of ['hint', 'label', 'idle', 'absoluteExpiresAt', 'lastUsedAt'])
        assert.notProperty(plain, name);
      assert.deepEqual(await world.get(hinted.id), hinted);
      assert.deepEqual(await world.get(labelled.id), labelled);
      assert.deepEqual(await world.get(plain.id), plain);
    });

    it('are answered again by the job that gave them, also where the token is over', async () => {
      const create = { id: 'AA'.padEnd(22, 'x'), issuedAt: world.now(), hint: 'x…1234', label: 'x' };
      const job = { job: world.job(), commandId: 'c' };
      const first = await world.create({ ...create, ...job });
      await world.delete(create.id);
      assert.deepEqual(await world.create({ ...create, ...job }), first);
    });
  });
}
