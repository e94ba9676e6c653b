// Contract: refresh.
import { assert } from 'chai';
import { newId, SECOND, type World } from './world.js';

export function refreshContract(world: World): void {
  describe('refresh', () => {
    it('sets the remaining life from now, longer or shorter', async () => {
      const created = await world.create({ duration: 60, data: { a: 1 } });
      for (const [version, duration] of [
        [2, 600],
        [3, 6],
      ] as const) {
        const before = world.nowMs();
        const refreshed = await world.refresh(created.id, duration);
        assert.deepEqual(refreshed, { ...created, version, expiresAt: refreshed?.expiresAt ?? 0 });
        assert.isAtLeast(refreshed?.expiresAt ?? 0, Math.floor(before) + duration * SECOND);
        assert.isAtMost(refreshed?.expiresAt ?? 0, Math.ceil(world.nowMs() + duration * SECOND));
        assert.deepEqual(await world.get(created.id), refreshed);
      }
      await world.advance(7 * SECOND);
      assert.isUndefined(await world.get(created.id));
    });

    it('makes a token outlive its first life', async () => {
      const { id } = await world.create({ duration: 60 });
      await world.refresh(id, 120);
      await world.advance(100 * SECOND);
      assert.isDefined(await world.get(id));
    });

    it('finds nothing where there is no token, in no other scope, and revives none', async () => {
      const { id } = await world.create({ duration: 1 });
      assert.isUndefined(await world.refresh(newId(), 60));
      assert.isUndefined(await world.refresh(id, 60, { app: 'mill' }));
      assert.isUndefined(await world.refresh(id, 60, { type: 'reset' }));
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.refresh(id, 60));
      assert.isUndefined(await world.get(id));
      assert.lengthOf(await world.events(), 1);
    });

    it('finds nothing in a token that was created more than a millisecond after it was issued', async () => {
      const issuedAt = world.now() - 3_000_000;
      const early = await world.create({ issuedAt: issuedAt + 1_000 });
      const late = await world.create({ issuedAt: issuedAt + 1_001 });
      assert.isDefined(await world.refresh(early.id, 90, { issuedAt }));
      assert.isUndefined(await world.refresh(late.id, 90, { issuedAt }));
      assert.deepEqual(await world.get(late.id), late);
    });

    it('counts the time that it waited in a queue', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      const refreshed = await world.refresh(id, 60, { ago: 20 * SECOND, job: world.job() });
      assert.approximately(refreshed?.expiresAt ?? 0, world.nowMs() + 40 * SECOND, 1 * SECOND);
    });

    it('does not count the time that a call in process took to begin', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      const refreshed = await world.refresh(id, 60, { ago: 20 * SECOND });
      assert.approximately(refreshed?.expiresAt ?? 0, world.nowMs() + 60 * SECOND, 1 * SECOND);
    });

    it('ends the token where the life that it sets is over already, as expired', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      assert.isUndefined(await world.refresh(id, 10, { ago: 20 * SECOND, job: world.job() }));
      assert.isUndefined(await world.get(id));
      assert.deepEqual(await world.facts(), [
        { type: 'token-created', subject: id, owner: 'ann', version: 1 },
        { type: 'token-expired', subject: id, owner: 'ann' },
      ]);
      assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
    });

    it('that waited never shortens what a later one set', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      const later = await world.refresh(id, 3_600, { ago: 10 * SECOND, job: world.job() });
      const stale = await world.refresh(id, 60, { ago: 20 * SECOND, job: world.job() });
      assert.deepEqual(stale, later && { ...later, version: 3 });
      const expired = await world.refresh(id, 1, { ago: 20 * SECOND, job: world.job() });
      assert.equal(expired?.expiresAt, later?.expiresAt);
    });

    it('that waited may lengthen what a later one set, and hides it from none that comes after', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      await world.refresh(id, 60, { ago: 10 * SECOND, job: world.job() });
      const longer = await world.refresh(id, 3_600, { ago: 20 * SECOND, job: world.job() });
      assert.approximately(longer?.expiresAt ?? 0, world.nowMs() + 3_580 * SECOND, 1 * SECOND);
      // Issued between the two: the later of both still counts as the last.
      const between = await world.refresh(id, 60, { ago: 15 * SECOND, job: world.job() });
      assert.equal(between?.expiresAt, longer?.expiresAt);
      const last = await world.refresh(id, 60, { ago: 5 * SECOND, job: world.job() });
      assert.approximately(last?.expiresAt ?? 0, world.nowMs() + 55 * SECOND, 1 * SECOND);
    });

    it('that waited may shorten the life that the create gave', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      const refreshed = await world.refresh(id, 60, { ago: 20 * SECOND, job: world.job() });
      assert.isBelow(refreshed?.expiresAt ?? 0, world.nowMs() + 41 * SECOND);
    });

    it('keeps order in the list of its owner', async () => {
      const first = await world.create({ duration: 60 });
      const second = await world.create({ duration: 120 });
      await world.refresh(first.id, 600);
      const listed = await world.list('ann');
      assert.deepEqual(
        listed.map(({ id }) => id),
        [first.id, second.id],
      );
    });
  });
}
