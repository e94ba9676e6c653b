// Contract: how many live tokens an owner may have.
import { assert } from 'chai';
import { LimitExceededError, TokenExistsError, TokenRevokedError } from '../../src/tokens/errors.js';
import { ownerShard } from '../../src/tokens/identity.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { refused } from './refusals.js';
import { type Issue, newId, SECOND, type World } from './world.js';

/** Of the shard in which the suite's ids lie, however many there are: a limit is for generated tokens of that shard. */
export const [ANN, BOB] = Array.from({ length: 64 }, (_, i) => `owner ${i}`).filter(
  (owner) => ownerShard('shop', 'session', owner, 4) === 0 && ownerShard('shop', 'reset', owner, 4) === 0,
) as [string, string];

export function limitContract(world: World): void {
  const create = (fields: Parameters<World['create']>[0] = {}) =>
    world.create({ owner: ANN, custom: false, ...fields });
  const reject = (max: number) => ({ max, overflow: 'reject' });
  const endOldest = (max: number) => ({ max, overflow: 'end-oldest' });
  const living = async (owner = ANN) => (await world.list(owner)).map(({ id }) => id).sort();
  const some = async (count: number, fields: Parameters<World['create']>[0] = {}) => {
    const made: TokenRecord[] = [];
    for (let i = 0; i < count; i++) made.push(await create(fields));
    return made;
  };

  describe('a limit', () => {
    it('lets as many live as it says, and refuses the next, which leaves nothing', async () => {
      await some(3, { limit: { max: 3 } });
      await world.events();
      const id = newId();
      await refused(create({ id, limit: { max: 3 } }), LimitExceededError);
      assert.isUndefined(await world.get(id));
      assert.lengthOf(await living(), 3);
      assert.deepEqual(await world.events(), []);
      await create({ id, limit: { max: 4 } });
    });

    it('counts what was made without one, and only what the owner has in the scope', async () => {
      await some(2);
      await create({ owner: BOB });
      await create({ type: 'reset' });
      await refused(create({ limit: reject(2) }), LimitExceededError);
      await create({ owner: BOB, limit: reject(2) });
      await create({ type: 'reset', limit: reject(2) });
      await create({ limit: reject(3) });
    });

    it('does not count what has expired, what was not used, or what was revoked', async () => {
      await some(4, { duration: 1 });
      await some(4, { duration: 60, idle: 1 });
      const gone = await create();
      await refused(create({ limit: reject(9) }), LimitExceededError);
      await world.advance(2 * SECOND);
      await world.delete(gone.id);
      await some(3, { limit: reject(3) });
      await refused(create({ limit: reject(3) }), LimitExceededError);
    });

    it('ends the oldest where it is told to, and tells why', async () => {
      const made = await some(5);
      await world.events();
      const last = await create({ limit: endOldest(3), job: world.job(), commandId: 'in' });
      assert.deepEqual(await living(), [made[3], made[4], last].map((one) => one?.id as string).sort());
      const told = await world.facts();
      assert.deepEqual(
        told,
        [
          ...made.slice(0, 3).map(({ id }) => ({
            ...{ type: 'token-revoked' as const, subject: id, owner: ANN, version: 1 },
            ...{ reason: 'limit' as const, commandId: 'in' },
          })),
          { type: 'token-created' as const, subject: last.id, owner: ANN, version: 1, commandId: 'in' },
        ],
        'each as the effect of the create',
      );
    });

    it('takes the oldest by its creation, then by its id, and not by its expiry', async () => {
      const issuedAt = world.now() - 1_000_000;
      const ids = [newId(), newId(), newId()].sort();
      await create({ id: ids[2], issuedAt, duration: 600 });
      await create({ id: ids[1], issuedAt, duration: 60 });
      await create({ id: ids[0], issuedAt: issuedAt + 1, duration: 30 });
      await create({ limit: endOldest(3) });
      assert.isUndefined(await world.get(ids[1] as string));
      await create({ limit: endOldest(3) });
      assert.isUndefined(await world.get(ids[2] as string));
      assert.isDefined(await world.get(ids[0] as string));
    });

    it('ends nothing where there is room', async () => {
      await some(4, { limit: endOldest(4) });
      assert.lengthOf(await living(), 4);
    });

    it('ends what no create brings back that was issued before, nor one that is sent again', async () => {
      const first = { id: newId(), issuedAt: world.now(), job: world.job(), commandId: 'first' };
      const custom = { id: newId(), custom: true, owner: BOB };
      const made = await create(first);
      await world.create(custom);
      const late = { issuedAt: world.now(), job: world.job(), commandId: 'late' };
      await create({ limit: endOldest(1) });
      await create({ owner: BOB, limit: endOldest(1) });
      await refused(create({ ...first, job: undefined as never }), TokenRevokedError);
      await refused(create({ id: first.id }), TokenRevokedError);
      await refused(world.create({ ...custom, ...late }), TokenRevokedError);
      assert.deepEqual(await create(first), made, 'what was decided is answered');
      assert.isUndefined(await world.get(first.id));
      await world.create(custom); // a later log-in with the same code
    });

    it('counts a create once that is sent again', async () => {
      const twice: Issue & { id: string } = { id: newId(), issuedAt: world.now() };
      const made = await create({ ...twice, limit: reject(1) });
      assert.deepEqual(await create({ ...twice, limit: reject(1) }), made);
      assert.deepEqual(await create({ ...twice, limit: endOldest(1) }), made);
      assert.lengthOf(await living(), 1);
      await refused(create({ id: twice.id, owner: BOB, limit: reject(1) }), TokenExistsError);
    });

    it('is decided once for a job, also where there is room when it runs again', async () => {
      const [full] = await some(1);
      const late = { id: newId(), job: world.job(), commandId: 'c', limit: reject(1), issuedAt: world.now() };
      await refused(create(late), LimitExceededError);
      await world.delete(full?.id as string);
      await refused(create(late), LimitExceededError);
      assert.lengthOf(await living(), 0);
      const ends = { ...late, id: newId(), limit: endOldest(1), commandId: 'd' };
      const made = await create(ends);
      await create();
      assert.deepEqual(await create(ends), made);
      assert.lengthOf(await living(), 2, 'it ended nothing more');
    });

    it('holds for creates at once, however many there are', async () => {
      const answers = await Promise.allSettled(
        Array.from({ length: 130 }, (_, i) => create({ limit: reject(7), data: { i } })),
      );
      const made = answers.filter(({ status }) => status === 'fulfilled');
      assert.lengthOf(made, 7);
      assert.lengthOf(await living(), 7);
      const job = world.job();
      await Promise.all(
        Array.from({ length: 130 }, (_, i) => create({ limit: endOldest(7), job, commandId: `c${i}` })),
      );
      assert.lengthOf(await living(), 7);
    });

    it('counts and ends tokens whose names are long, whatever data they have', async () => {
      const [app, type] = ['\u0001'.repeat(256), 'ü'.repeat(256)];
      const owner = Array.from({ length: 64 }, (_, i) => `${'🙂"'.repeat(80)}${i}`).find(
        (name) => ownerShard(app, type, name, 4) === 0,
      );
      const long = { app, type, owner, label: '%'.repeat(100), idle: 60 };
      const made = [await create(long)];
      for (const data of [{}, { text: 'x'.repeat(60_000) }]) made.push(await create({ ...long, data }));
      await refused(create({ ...long, limit: reject(3) }), LimitExceededError);
      await world.events();
      await create({ ...long, limit: endOldest(2) });
      assert.deepEqual(
        (await world.events()).map(({ type: kind, subject }) => [kind, subject]).slice(0, 2),
        made.slice(0, 2).map(({ id }) => ['token-revoked', id]),
      );
      assert.equal(await world.count({ app, type, owner }), 2);
    });

    it('takes an owner who has far more than it allows, and refuses where that is too much for one step', async () => {
      await Promise.all(Array.from({ length: 1_200 }, () => create()));
      const { id } = await create({ limit: endOldest(2) });
      assert.lengthOf(await living(), 2);
      assert.include(await living(), id);
      await Promise.all(Array.from({ length: 2_000 }, () => create()));
      await refused(create({ limit: endOldest(5) }), LimitExceededError);
      await refused(create({ limit: reject(1_000) }), LimitExceededError);
      assert.equal(await world.count({ owner: ANN }), 2_002);
    });
  });
}
