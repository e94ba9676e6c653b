// Contract: updates of one version only.
import { assert } from 'chai';
import { ValidationError, VersionConflictError } from '../../src/tokens/errors.js';
import { refused } from './refusals.js';
import { MAX_DATA_BYTES, newId, type World } from './world.js';

export function versionContract(world: World): void {
  describe('an update of one version', () => {
    it('is made where the token has it', async () => {
      const { id } = await world.create();
      assert.equal((await world.update(id, { a: 1 }, { ifVersion: 1 }))?.version, 2);
      await world.refresh(id, 60);
      assert.deepInclude(await world.update(id, { b: 2 }, { ifVersion: 3 }), { version: 4 });
    });

    it('is refused with the version that there is, and changes nothing', async () => {
      const { id } = await world.create({ data: { a: 1 } });
      const updated = await world.update(id, { b: 2 });
      await world.events();
      for (const ifVersion of [1, 3, Number.MAX_SAFE_INTEGER]) {
        const error = await refused(world.update(id, { c: 3 }, { ifVersion }), VersionConflictError);
        assert.equal(error.currentVersion, 2);
      }
      assert.deepEqual(await world.get(id), updated);
      assert.deepEqual(await world.events(), []);
    });

    it('is refused for its version before its size, and finds nothing where there is no token', async () => {
      const { id } = await world.create({ data: { a: 'x'.repeat(40_000) } });
      const large = { b: 'x'.repeat(MAX_DATA_BYTES - 1_000) };
      await refused(world.update(id, large, { ifVersion: 2 }), VersionConflictError);
      await refused(world.update(id, large, { ifVersion: 1 }), ValidationError);
      assert.isUndefined(await world.update(newId(), { a: 1 }, { ifVersion: 1 }));
    });

    it('is made by one of many at once', async () => {
      const { id } = await world.create();
      const answers = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) => world.update(id, { i }, { ifVersion: 1 })),
      );
      assert.lengthOf(
        answers.filter(({ status }) => status === 'fulfilled'),
        1,
      );
      assert.equal((await world.get(id))?.version, 2);
    });

    it('is decided once for a job', async () => {
      const { id } = await world.create();
      const job = world.job();
      const lost = { ifVersion: 2, job, commandId: 'lost' };
      const won = { ifVersion: 1, job, commandId: 'won' };
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await refused(world.update(id, { lost: true }, lost), VersionConflictError);
        assert.equal(error.currentVersion, 1, 'as it was answered first');
        assert.deepInclude(await world.update(id, { won: true }, won), { version: 2, data: { won: true } });
      }
    });
  });
}
