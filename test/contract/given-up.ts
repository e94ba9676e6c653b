// Contract: what is given up of a job is applied by no attempt, until it is taken up again.
import { assert } from 'chai';
import { buildCommand } from '../../src/tokens/commands.js';
import { CommandExpiredError, GivenUpError, TokenExistsError } from '../../src/tokens/errors.js';
import type { JobCommand, JobReference } from '../../src/tokens/repository.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, scatteredId, type World } from './world.js';

export function givenUpContract(world: World): void {
  describe('a job that is given up', () => {
    let job: JobReference;
    let ids: string[];
    beforeEach(() => {
      job = world.job();
      ids = [newId(), scatteredId(), scatteredId()];
    });

    /** The job's commands, as it names them: a create of each id, under the id's place. */
    const creates = (): JobCommand[] =>
      ids.map((id, i) => ({
        commandId: `c${i}`,
        command: buildCommand('create', {
          issuedAt: job.issuedAt,
          app: 'shop',
          type: 'session',
          id,
          owner: 'ann',
          data: {},
          duration: 60,
          custom: true,
        }),
      }));
    const create = (i: number) => world.create({ id: ids[i] as string, job, commandId: `c${i}` });
    const revocation = (): JobCommand => ({
      commandId: 'all',
      command: buildCommand('deleteAll', {
        issuedAt: job.issuedAt,
        app: 'shop',
        type: 'session',
        owner: 'ann',
      }),
    });

    it('applies none of its commands any more, wherever they lie', async () => {
      await world.repository.giveUp(job, creates());
      for (const i of [0, 1, 2]) await refused(create(i), GivenUpError);
      await world.repository.giveUp(job, [revocation()]);
      await refused(world.deleteAll('ann', { job, commandId: 'all' }), GivenUpError);
      assert.isEmpty(await world.events());
    });

    it('answers as before what was applied, or refused', async () => {
      await world.create({ id: ids[1] as string });
      const made = await create(0);
      await refused(create(1), TokenExistsError);
      assert.deepEqual([...(await world.repository.giveUp(job, creates()))], ['c2']);
      assert.deepEqual([...(await world.repository.giveUp(job, creates()))], ['c2'], 'then as now');
      assert.deepEqual(await create(0), made);
      await refused(create(1), TokenExistsError);
      await refused(create(2), GivenUpError);
      assert.lengthOf(await world.events(), 2);
    });

    it('applies what was given up, and that alone, once it is taken up', async () => {
      const [first, , last] = creates() as [JobCommand, JobCommand, JobCommand];
      await create(0);
      await world.repository.giveUp(job, creates());
      await world.delete(ids[0] as string);
      await world.repository.takeUp(job, [first, last]);
      assert.equal((await create(2)).version, 1);
      await refused(create(1), GivenUpError);
      await create(0); // answered, not applied
      assert.isUndefined(await world.get(ids[0] as string));
    });

    it('is given up for no other job of the same id', async () => {
      await world.repository.giveUp(job, creates());
      const other = { ...job, issuedAt: job.issuedAt + 1 };
      await world.create({ id: ids[0] as string, job: other, commandId: 'c0' });
      await world.create({ id: ids[1] as string, job: { ...job, queue: 'other' }, commandId: 'c1' });
    });

    it('stays given up for seven days', async () => {
      await world.repository.giveUp(job, creates());
      await world.advance(7 * 86_400 * SECOND - 10 * SECOND);
      await refused(create(0), GivenUpError);
      await world.advance(20 * SECOND);
      assert.equal((await create(0)).version, 1, 'were it not too old by then');
    });
  });

  describe('a job that is over', () => {
    it('is remembered for as long as it is said, and not longer', async () => {
      const job = world.job();
      const update = { id: newId(), job, commandId: 'c', issuedAt: job.issuedAt };
      await world.create(update);
      const command = buildCommand('create', {
        issuedAt: job.issuedAt,
        app: 'shop',
        type: 'session',
        id: update.id,
        owner: 'ann',
        data: {},
        duration: 60,
        custom: true,
      });
      await world.repository.release(job, [{ commandId: 'c', command }], MAX_COMMAND_AGE + 10 * SECOND);
      await world.advance(MAX_COMMAND_AGE + 5 * SECOND);
      const late = { ...update, issuedAt: undefined as never, ago: MAX_COMMAND_AGE + 5 * SECOND };
      assert.equal((await world.create(late)).version, 1, 'it answers what it answered');
      await world.advance(10 * SECOND);
      await refused(world.create(late), CommandExpiredError);
    });
  });
}
