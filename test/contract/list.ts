// Contract: list.
import { assert } from 'chai';
import type { TokenRecord } from '../../src/tokens/types.js';
import { newId, SECOND, scatteredId, type World } from './world.js';

const idsOf = (records: TokenRecord[]): string[] => records.map(({ id }) => id);

export function listContract(world: World): void {
  describe('list', () => {
    it('answers the live records of the owner, latest expiry first', async () => {
      const durations = [30, 10, 50, 20, 40];
      const created = await Promise.all(
        durations.map((duration) => world.create({ id: scatteredId(), duration, data: { duration } })),
      );
      await world.create({ owner: 'bob' });
      await world.create({ type: 'reset' });
      const listed = await world.list('ann');
      assert.deepEqual(
        listed.map(({ data }) => data.duration),
        [50, 40, 30, 20, 10],
      );
      assert.sameDeepMembers(listed, created);
    });

    it('is empty where the owner has nothing', async () => {
      assert.deepEqual(await world.list('nobody'), []);
    });

    it('puts those of one expiry in the order of their ids, last one first', async () => {
      const ids = await createAtOnce(10);
      assert.deepEqual(idsOf(await world.list('ann')), [...ids].sort().reverse());
    });

    it('answers as many as are asked for, in order, also where that takes several steps', async () => {
      const made = await Promise.all(
        Array.from({ length: 1_300 }, (_, i) =>
          world.create({ id: scatteredId(), duration: 60 + (i % 400) }),
        ),
      );
      const sorted = made.toSorted((a, b) => b.expiresAt - a.expiresAt || (a.id < b.id ? 1 : -1));
      assert.deepEqual(await world.list('ann', { limit: 10_000 }), sorted);
      assert.deepEqual(await world.list('ann', { limit: 1_100 }), sorted.slice(0, 1_100));
      const after = sorted[99];
      assert.deepEqual(await world.list('ann', { limit: 1_000, after }), sorted.slice(100, 1_100));
    });

    it('answers at most `limit`, and goes on after the last record seen', async () => {
      const ids = [...(await createAtOnce(5)), ...(await createAtOnce(6, 700))];
      const all = await world.list('ann');
      assert.sameMembers(idsOf(all), ids);
      const seen: TokenRecord[] = [];
      for (;;) {
        const page = await world.list('ann', { limit: 3, after: seen.at(-1) });
        assert.isAtMost(page.length, 3);
        seen.push(...page);
        if (page.length < 3) break;
      }
      assert.deepEqual(seen, all);
    });

    it('goes on after a record that is gone', async () => {
      await createAtOnce(6);
      const all = await world.list('ann');
      await world.delete(all[2]?.id ?? '');
      assert.deepEqual(await world.list('ann', { after: all[2] }), all.slice(3));
    });

    it('goes on after any place, of a record that was refreshed meanwhile too', async () => {
      const records = [60, 50, 40, 30].map((duration) => world.create({ duration }));
      const [a, b, c, d] = (await Promise.all(records)) as [
        TokenRecord,
        TokenRecord,
        TokenRecord,
        TokenRecord,
      ];
      await world.refresh(b.id, 900);
      assert.deepEqual(idsOf(await world.list('ann', { after: b })), [c.id, d.id]);
      await world.refresh(b.id, 35);
      assert.deepEqual(idsOf(await world.list('ann', { after: b })), [c.id, b.id, d.id]);
      assert.deepEqual(idsOf(await world.list('ann')), [a.id, c.id, b.id, d.id]);
      assert.deepEqual(idsOf(await world.list('ann', { after: { id: a.id, expiresAt: 0 } })), []);
      assert.lengthOf(await world.list('ann', { after: { id: a.id, expiresAt: a.expiresAt * 2 } }), 4);
      assert.deepEqual(await world.indexSizes(), { byOwner: 4, byScope: 4 });
    });

    it('tells the places before and behind an id of the same expiry apart', async () => {
      await createAtOnce(3);
      const [first, second, third] = (await world.list('ann')) as [TokenRecord, TokenRecord, TokenRecord];
      const behind = async (id: string) =>
        idsOf(await world.list('ann', { after: { id, expiresAt: first.expiresAt } }));
      assert.deepEqual(await behind(first.id), [second.id, third.id]);
      assert.deepEqual(await behind(second.id), [third.id]);
      assert.deepEqual(await behind(third.id), []);
      assert.deepEqual(await behind('z'.repeat(22)), idsOf([first, second, third]));
      assert.deepEqual(await behind(`${second.id.slice(0, -1)}-`), [third.id]);
      assert.deepEqual(await behind(`${second.id.slice(0, -1)}z`), [second.id, third.id]);
      assert.deepEqual(await behind('-'.repeat(22)), []);
    });

    it('leaves out what has expired, removes it from the indexes and tells of it once', async () => {
      const over = await world.create({ duration: 1 });
      const alive = await world.create({ duration: 60 });
      await world.advance(2 * SECOND);
      await world.events();
      assert.deepEqual(idsOf(await world.list('ann')), [alive.id]);
      assert.deepEqual(await world.facts(), [{ type: 'token-expired', subject: over.id, owner: 'ann' }]);
      assert.deepEqual(await world.indexSizes(), { byOwner: 1, byScope: 1 });
      await world.list('ann');
      assert.deepEqual(await world.events(), []);
    });

    it('never shows a custom token that lives again under another owner', async () => {
      // Two that a create may end in place of ann's.
      for (const owner of ['cid', 'dan']) await world.create({ owner, duration: 1 });
      const { id } = await world.create({ owner: 'ann', duration: 2 });
      await world.advance(5 * SECOND);
      const again = await world.create({ id, owner: 'bob' });
      assert.deepEqual(await world.list('ann'), []);
      assert.deepEqual(await world.list('bob'), [again]);
    });

    it('takes no refresh for a new member', async () => {
      const { id } = await world.create();
      await world.refresh(id, 90);
      await world.update(id, { a: 1 });
      assert.lengthOf(await world.list('ann'), 1);
      assert.deepEqual(await world.indexSizes(), { byOwner: 1, byScope: 1 });
    });
  });

  /** Tokens that all expire in the same millisecond. */
  async function createAtOnce(count: number, duration = 600): Promise<string[]> {
    const [issuedAt, job] = [world.now(), world.job()];
    const ids = Array.from({ length: count }, newId);
    const records = await Promise.all(
      ids.map((id) => world.create({ id, duration, issuedAt, job, commandId: id })),
    );
    assert.equal(new Set(records.map(({ expiresAt }) => expiresAt)).size, 1);
    return ids;
  }
}
