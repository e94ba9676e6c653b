// Contract: tokens that die where they are not used.
import { assert } from 'chai';
import fc from 'fast-check';
import { CommandExpiredError } from '../../src/tokens/errors.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { seeded } from '../support/chance.js';
import { refused } from './refusals.js';
import { newId, SECOND, type World } from './world.js';

export function idleContract(world: World): void {
  const idler = (idle = 10, duration = 60) => world.create({ duration, idle });
  const stored = async (id: string) => (await world.get(id)) as TokenRecord;

  describe('a token with an idle time', () => {
    it('dies when it was never used for that time, and tells both ends of its life', async () => {
      const created = await idler(10, 60);
      assert.equal(created.idle, 10);
      assert.equal(created.expiresAt, created.createdAt + 10 * SECOND);
      assert.equal(created.absoluteExpiresAt, created.createdAt + 60 * SECOND);
      assert.notProperty(created, 'lastUsedAt');
      assert.deepEqual(await world.get(created.id), created);
      assert.deepEqual(await world.list('ann'), [created]);
      await world.advance(11 * SECOND);
      assert.isUndefined(await world.get(created.id));
      await world.list('ann');
      assert.deepEqual(
        (await world.facts()).map(({ type }) => type),
        ['token-created', 'token-expired'],
      );
    });

    it('dies at its ceiling where that comes first', async () => {
      const created = await idler(60, 10);
      assert.equal(created.expiresAt, created.createdAt + 10 * SECOND);
      assert.equal(created.absoluteExpiresAt, created.expiresAt);
      await world.touch(created.id);
      const used = await stored(created.id);
      assert.isDefined(used.lastUsedAt);
      assert.equal(used.expiresAt, created.expiresAt);
    });

    it('lives for that time from its last use on, and for no longer than its ceiling', async () => {
      const { id, absoluteExpiresAt } = await idler(10, 25);
      for (let i = 0; i < 2; i++) {
        await world.advance(8 * SECOND);
        const before = Math.floor(world.nowMs());
        await world.touch(id);
        const used = await stored(id);
        assert.isAtLeast(used.lastUsedAt ?? 0, before);
        assert.isAtMost(used.lastUsedAt ?? 0, world.nowMs());
        const ceiling = (absoluteExpiresAt as number) - (i + 1) * 8 * SECOND;
        // Where the store is moved into the past instead of the clock, so is what was stored.
        const moved = (used.absoluteExpiresAt as number) === absoluteExpiresAt ? absoluteExpiresAt : ceiling;
        assert.equal(used.absoluteExpiresAt, moved);
        assert.equal(used.expiresAt, Math.min(moved, (used.lastUsedAt as number) + 10 * SECOND));
      }
      await world.advance(8 * SECOND);
      await world.touch(id);
      const last = await stored(id);
      assert.equal(last.expiresAt, last.absoluteExpiresAt);
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.get(id));
    });

    it('is told of by no event when it is used, and keeps its version', async () => {
      const { id } = await idler();
      await world.events();
      await world.touch(id);
      assert.equal((await stored(id)).version, 1);
      assert.deepEqual(await world.events(), []);
    });

    it('has uses written down once within the time that is given, the first one always', async () => {
      const { id } = await world.create({ ago: 9 * SECOND, duration: 60, idle: 30 });
      await world.touch(id, { ago: 8 * SECOND, every: 29 * SECOND });
      const first = (await stored(id)).lastUsedAt as number;
      await world.touch(id, { every: 9 * SECOND });
      assert.equal((await stored(id)).lastUsedAt, first);
      await world.touch(id, { every: 7 * SECOND });
      assert.isAbove((await stored(id)).lastUsedAt as number, first);
    });

    it('loses nothing by a use that is told late', async () => {
      const { id } = await world.create({ ago: 9 * SECOND, duration: 600, idle: 60 });
      const refreshed = (await world.refresh(id, 600)) as TokenRecord;
      await world.touch(id, { ago: 5 * SECOND });
      const used = await stored(id);
      assert.isDefined(used.lastUsedAt);
      assert.equal(used.expiresAt, refreshed.expiresAt, 'it was told after the refresh, and was before it');
      await world.touch(id, { ago: 7 * SECOND });
      assert.deepEqual(await world.get(id), used);
    });

    it('is not brought back by a use: not when it is over, not when it was revoked, not in another scope', async () => {
      const over = await idler(1);
      const revoked = await idler();
      await world.delete(revoked.id);
      const other = await idler();
      await world.touch(other.id, { app: 'mill' });
      await world.advance(2 * SECOND);
      for (const { id } of [over, revoked, { id: newId() }]) {
        await world.touch(id, { ago: 2 * SECOND });
        await world.touch(id);
        assert.isUndefined(await world.get(id));
      }
      assert.notProperty(await stored(other.id), 'lastUsedAt');
    });

    it('is not used by what was meant for an earlier life of its id', async () => {
      const { id } = await idler();
      await world.touch(id, { ago: 5 * SECOND });
      assert.notProperty(await stored(id), 'lastUsedAt');
    });

    it('keeps what is said of its use through updates', async () => {
      const { id } = await idler();
      await world.touch(id);
      const used = await stored(id);
      const updated = await world.update(id, { a: 1 });
      assert.deepEqual(updated, { ...used, version: 2, data: { a: 1 } });
    });

    it('has its ceiling set by a refresh, and its idle time begun anew', async () => {
      const created = await idler(10, 60);
      for (const duration of [600, 5]) {
        const before = Math.floor(world.nowMs());
        const refreshed = (await world.refresh(created.id, duration)) as TokenRecord;
        const now = (refreshed.absoluteExpiresAt as number) - duration * SECOND;
        assert.isAtLeast(now, before);
        assert.isAtMost(now, world.nowMs());
        assert.equal(refreshed.expiresAt, Math.min(now + 10 * SECOND, now + duration * SECOND));
        assert.equal(refreshed.idle, 10);
      }
    });

    it('counts the time that a refresh waited, but not against a use since', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600, idle: 60 });
      const waited = (await world.refresh(id, 300, { ago: 20 * SECOND, job: world.job() })) as TokenRecord;
      assert.approximately(waited.expiresAt, world.nowMs() + 40 * SECOND, 1 * SECOND);
      assert.approximately(waited.absoluteExpiresAt as number, world.nowMs() + 280 * SECOND, 1 * SECOND);
      await world.touch(id);
      const again = (await world.refresh(id, 300, { ago: 10 * SECOND, job: world.job() })) as TokenRecord;
      assert.approximately(again.expiresAt, world.nowMs() + 60 * SECOND, 1 * SECOND);
      // Issued before the last: it shortens neither.
      const late = await world.refresh(id, 30, { ago: 15 * SECOND, job: world.job() });
      assert.deepEqual(late, { ...again, version: 4 });
    });

    it('has an idle time that waited in a queue with its create', async () => {
      const { expiresAt } = await world.create({ ago: 5 * SECOND, duration: 60, idle: 10, job: world.job() });
      assert.approximately(expiresAt, world.nowMs() + 5 * SECOND, 1 * SECOND);
      const over = { ago: 11 * SECOND, duration: 60, idle: 10 };
      await refused(world.create({ ...over, job: world.job() }), CommandExpiredError);
      const begun = await world.create(over); // in process it begins here
      assert.approximately(begun.expiresAt, world.nowMs() + 10 * SECOND, 1 * SECOND);
      assert.equal((begun.absoluteExpiresAt as number) - begun.expiresAt, 50 * SECOND);
    });

    it('is answered again by the job that made it, also where it is over', async () => {
      const create = { id: newId(), duration: 60, idle: 10, issuedAt: world.now() };
      const job = { job: world.job(), commandId: 'c' };
      const first = await world.create({ ...create, ...job });
      assert.deepEqual(await world.create({ ...create, ...job }), first);
      await world.delete(create.id);
      assert.deepEqual(await world.create({ ...create, ...job }), first);
    });

    it('keeps fractions, and rounds up what is no millisecond', async () => {
      const created = await idler(1.25, 60);
      assert.equal(created.expiresAt, created.createdAt + 1_250);
      const short = await idler(0.000_000_1, 60);
      assert.equal(short.idle, 0.000_000_1);
      assert.equal((short.absoluteExpiresAt as number) - short.expiresAt, 59_999);
    });

    it('goes by the time of use to the millisecond, whatever is drawn', async () => {
      const ms = fc.integer({ min: 1, max: 5_000 });
      await fc.assert(
        fc.asyncProperty(
          fc.record({ idle: ms, duration: ms, ago: fc.integer({ min: 0, max: 900 }), every: fc.nat(50) }),
          async ({ idle, duration, ago, every }) => {
            // Both times are long enough not to be over meanwhile, and differ by as little as a millisecond.
            const life = { idle: (idle + 60_000) / 1_000, duration: (duration + 60_000) / 1_000 };
            const { id, createdAt, absoluteExpiresAt } = await world.create({ ...life, ago: 1_000 });
            await world.touch(id, { ago, every });
            const { expiresAt, lastUsedAt } = await stored(id);
            const used = lastUsedAt as number;
            assert.isAtLeast(used, createdAt);
            assert.equal(absoluteExpiresAt, createdAt + 60_000 + duration);
            assert.equal(expiresAt, Math.min(absoluteExpiresAt as number, used + 60_000 + idle));
          },
        ),
        { ...seeded, numRuns: 40 },
      );
    });
  });

  describe('a token without an idle time', () => {
    it('is left as it is by its uses', async () => {
      const created = await world.create();
      await world.touch(created.id);
      assert.deepEqual(await world.get(created.id), created);
    });
  });
}
