// Contract: what a revocation tells of itself.
import { assert } from 'chai';
import type { World } from './world.js';

export function reasonContract(world: World): void {
  describe('a reason', () => {
    const REASON = 'stolen "\\ \n\u0001 🙂';
    const details = { reason: REASON, by: 'admin' as const };
    const OPERATIONS = {
      delete: (id: string, how: object) => world.delete(id, how),
      deleteById: (id: string, how: object) => world.deleteById(id, { owner: 'ann', ...how }),
      consume: (id: string, how: object) => world.consume(id, how),
      deleteAll: (_: string, how: object) => world.deleteAll('ann', how),
      deleteScope: (_: string, how: object) => world.deleteScope(how),
      deleteApp: (_: string, how: object) => world.deleteApp(how),
    };
    const DEFAULTS = {
      ...{ delete: 'deleted', deleteById: 'deleted', consume: 'consumed' },
      ...{ deleteAll: 'deleted-all', deleteScope: 'deleted-scope', deleteApp: 'deleted-app' },
    };

    for (const [operation, run] of Object.entries(OPERATIONS)) {
      it(`is told by the event of ${operation}, and by whom, where they are given`, async () => {
        const job = world.job(operation === 'consume' ? 'commands' : 'revocations');
        for (const [how, told] of [
          [details, { reason: REASON, by: 'admin' }],
          [{ reason: 'stolen' }, { reason: 'stolen' }],
          [{ by: 'policy' }, { reason: DEFAULTS[operation as 'delete'], by: 'policy' }],
          [{}, { reason: DEFAULTS[operation as 'delete'] }],
          [
            { ...details, job, commandId: 'c' },
            { reason: REASON, by: 'admin', commandId: 'c' },
          ],
        ] as const) {
          const { id } = await world.create();
          await world.events();
          assert.isOk(await run(id, how));
          const expected = { type: 'token-revoked', subject: id, owner: 'ann', version: 1, ...told };
          assert.deepEqual(await world.facts(), [expected] as never);
        }
      });
    }
  });
}
