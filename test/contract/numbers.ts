// Contract: how many tokens there are, and whose.
import { assert } from 'chai';
import { ValidationError } from '../../src/tokens/errors.js';
import { encodeOwnerCursor } from '../../src/tokens/owner-cursor.js';
import type { OwnersPage } from '../../src/tokens/types.js';
import { refused } from './refusals.js';
import { SECOND, scatteredId, type World } from './world.js';

export function numbersContract(world: World): void {
  const give = async (owner: string, count: number, fields: Parameters<World['create']>[0] = {}) => {
    await Promise.all(
      Array.from({ length: count }, () => world.create({ id: scatteredId(), owner, ...fields })),
    );
  };

  /** Every page, from the first one to the last. */
  const walk = async (limit: number, between: (page: OwnersPage) => Promise<unknown> = async () => {}) => {
    const pages: OwnersPage[] = [];
    let cursor: string | undefined;
    do {
      const page: OwnersPage = await world.owners({ limit, ...(cursor !== undefined && { cursor }) });
      pages.push(page);
      await between(page);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return pages;
  };

  describe('count', () => {
    it('tells how many live, of an owner and of all, in this scope', async () => {
      assert.equal(await world.count(), 0);
      await give('ann', 30);
      await give('bob: b', 2);
      await give('ann', 1, { app: 'mill' });
      assert.equal(await world.count(), 32);
      assert.equal(await world.count({ owner: 'ann' }), 30);
      assert.equal(await world.count({ owner: 'bob: b' }), 2);
      assert.equal(await world.count({ owner: 'bob' }), 0);
      assert.equal(await world.count({ app: 'mill' }), 1);
    });

    it('leaves out what is over, also where nobody has met it', async () => {
      await give('ann', 3, { duration: 1 });
      await give('ann', 2, { duration: 60, idle: 1 });
      await give('ann', 4);
      await world.advance(2 * SECOND);
      assert.equal(await world.count({ owner: 'ann' }), 4);
      assert.equal(await world.count(), 4);
      await world.deleteAll('ann');
      assert.equal(await world.count(), 0);
    });
  });

  describe('owners', () => {
    it('are given with what they have, page by page, each at least once', async () => {
      const owners = Array.from({ length: 70 }, (_, i) => `owner:${i}*`);
      for (const [i, owner] of owners.entries()) await give(owner, 1 + (i % 5));
      await give('other', 1, { type: 'reset' });
      for (const limit of [1, 7, 100, 1_000]) {
        const pages = await walk(limit);
        const given = new Map<string, number>();
        for (const page of pages) {
          assert.isAtMost(page.owners.length, limit);
          for (const { owner, count } of page.owners) given.set(owner, count);
        }
        const expected = owners.map((owner, i): [string, number] => [owner, 1 + (i % 5)]);
        assert.deepEqual([...given].sort(), expected.sort());
      }
    });

    it('are none where there is nobody, and none whose tokens are over', async () => {
      assert.deepEqual(await world.owners(), { owners: [], cursor: undefined });
      await give('ann', 2, { duration: 1 });
      await give('bob', 1);
      await world.advance(2 * SECOND);
      assert.deepEqual(
        (await walk(10)).flatMap(({ owners }) => owners),
        [{ owner: 'bob', count: 1 }],
      );
    });

    it('are all given who have a token throughout, whatever comes and goes between the pages', async () => {
      const staying = Array.from({ length: 60 }, (_, i) => `stays ${i}`);
      for (const owner of staying) await give(owner, 1);
      await Promise.all(Array.from({ length: 200 }, (_, i) => give(`goes ${i}`, 1)));
      const given = new Set<string>();
      let round = 0;
      await walk(9, async ({ owners }) => {
        for (const { owner } of owners) given.add(owner);
        // First many more than there were, then far fewer: Redis moves its members both times.
        if (round === 2) await give('crowd', 1_500);
        if (round === 6) {
          await world.deleteAll('crowd');
          await Promise.all(Array.from({ length: 200 }, (_, i) => world.deleteAll(`goes ${i}`)));
        }
        round++;
      });
      assert.isAbove(round, 7);
      assert.deepEqual(
        staying.filter((owner) => !given.has(owner)),
        [],
      );
    });

    it('are not told by a cursor of another deployment', async () => {
      const cursor = encodeOwnerCursor({ shard: 64, from: '0' });
      const error = await refused(world.owners({ cursor }), ValidationError);
      assert.equal(error.fields[0]?.field, 'cursor');
    });

    it('are not told by a cursor that no store can have given', async () => {
      const last = 2n ** 64n - 1n;
      await world.owners({ cursor: encodeOwnerCursor({ shard: 0, from: String(last) }) });
      for (const from of [String(last + 1n), '9'.repeat(20)]) {
        const owners = async () => world.owners({ cursor: encodeOwnerCursor({ shard: 0, from }) });
        await refused(owners(), ValidationError);
      }
    });
  });
}
