// Contract: what becomes of a family whose rotated token is used again.
import { assert } from 'chai';
import fc from 'fast-check';
import { TokenRevokedError } from '../../src/tokens/errors.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { seeded } from '../support/chance.js';
import { refused } from './refusals.js';
import { type Fact, MAX_COMMAND_AGE, newId, SECOND, type World } from './world.js';

export function reuseContract(world: World): void {
  const successorOf = async (id: string, fields: object = {}): Promise<TokenRecord> =>
    (await world.rotate(id, fields))?.record as TokenRecord;

  describe('a token that is used after it was rotated', () => {
    const uses: Record<string, (id: string) => Promise<unknown>> = {
      get: (id) => world.get(id),
      update: (id) => world.update(id, { a: 1 }),
      refresh: (id) => world.refresh(id, 60),
      rotate: (id) => world.rotate(id, { grace: 60 }),
      delete: (id) => world.delete(id),
      consume: (id) => world.consume(id),
      'consume of a job': (id) => world.consume(id, { job: world.job(), commandId: 'c' }),
      'get of a job': (id) => world.get(id, { commandId: 'c' }),
      'update of a job': (id) => world.update(id, { a: 1 }, { job: world.job(), commandId: 'c' }),
      'delete of a job': (id) => world.delete(id, { job: world.job('revocations'), commandId: 'c' }),
    };

    for (const [name, use] of Object.entries(uses)) {
      it(`finds nothing, ends its family, and is told once (${name})`, async () => {
        const first = await world.create({ owner: 'ann' });
        const second = await successorOf(first.id, { grace: 2 });
        const third = await successorOf(second.id);
        const other = await world.create({ owner: 'ann' });
        await world.advance(3 * SECOND);
        await world.events();
        for (const id of [first.id, second.id, first.id]) assert.isNotOk(await use(id));
        assert.isUndefined(await world.get(third.id));
        assert.deepEqual(await world.list('ann'), [(await world.get(other.id)) as TokenRecord]);
        const cause: Partial<Fact> = name.endsWith('of a job') ? { commandId: 'c' } : {};
        assert.deepEqual(await world.facts(), [
          { type: 'token-revoked', subject: third.id, owner: 'ann', version: 3, reason: 'reused', ...cause },
          { type: 'token-reused', subject: first.id, owner: 'ann', version: 1, ...cause },
        ]);
      });
    }

    it('is no reuse where it was issued before the grace was over, however late it comes', async () => {
      const first = await world.create({ ago: 60 * SECOND, duration: 600 });
      const issuedAt = world.now();
      const second = await successorOf(first.id);
      const job = world.job();
      assert.isUndefined(await world.get(first.id, { issuedAt }));
      assert.isUndefined(await world.update(first.id, { a: 1 }, { issuedAt, job, commandId: 'u' }));
      assert.isUndefined(await world.refresh(first.id, 60, { issuedAt, job, commandId: 'r' }));
      assert.deepEqual(await world.get(second.id), second);
      assert.lengthOf(await world.events(), 2);
    });

    it('is none of another scope', async () => {
      const first = await world.create();
      const second = await successorOf(first.id);
      for (const scope of [{ app: 'mill' }, { type: 'reset' }]) {
        assert.isUndefined(await world.get(first.id, scope));
        assert.isUndefined(await world.update(first.id, { a: 1 }, scope));
        assert.isFalse(await world.delete(first.id, scope));
      }
      assert.deepEqual(await world.get(second.id), second);
    });

    it('is reuse at once for whoever was told of its rotation', async () => {
      const first = await world.create();
      const second = await successorOf(first.id);
      assert.isUndefined(await world.get(first.id));
      assert.isUndefined(await world.get(second.id));
    });

    it('harms no later life of an id of its family', async () => {
      const first = await world.create();
      const second = await successorOf(first.id);
      await world.delete(second.id);
      const later = await world.create({ id: second.id, owner: 'bob' });
      await world.events();
      assert.isFalse(await world.deleteById(first.id));
      assert.isUndefined(await world.get(first.id));
      assert.isFalse(await world.delete(first.id));
      assert.deepEqual(await world.get(second.id), later);
      assert.deepEqual(
        (await world.facts()).map(({ type, owner }) => [type, owner] as unknown),
        [['token-reused', 'ann']],
      );
    });

    it('is told, and revokes nothing more, where the family is over', async () => {
      const first = await world.create();
      const second = await successorOf(first.id);
      await world.delete(second.id);
      await world.events();
      await world.get(first.id);
      await world.get(first.id);
      assert.deepEqual(
        (await world.facts()).map(({ type, subject }) => [type, subject] as unknown),
        [['token-reused', first.id]],
      );
    });

    it('is noticed for as long as a member of its family lives', async () => {
      const first = await world.create({ duration: 30 });
      const second = await successorOf(first.id);
      const third = await successorOf(second.id, { duration: 600 });
      await world.advance(500 * SECOND);
      await world.refresh(third.id, 5_000);
      await world.advance(4_900 * SECOND);
      assert.isDefined(await world.get(third.id));
      assert.isUndefined(await world.get(first.id));
      assert.isUndefined(await world.get(third.id));
    });

    it('is noticed of the last thousand, and others stay dead while a create of them can arrive', async () => {
      const ids = [(await world.create({ duration: 9_999 })).id];
      for (let i = 0; i < 1_010; i++) ids.push((await successorOf(ids.at(-1) as string)).id);
      const [first, last] = [ids[0], ids.at(-1)] as [string, string];
      await refused(world.create({ id: first }), TokenRevokedError);
      await world.advance(MAX_COMMAND_AGE + 120 * SECOND);
      assert.isUndefined(await world.get(first));
      assert.isDefined(await world.create({ id: first, owner: 'bob' }));
      assert.isDefined(await world.get(last));
      assert.isUndefined(await world.get(ids[20] as string));
      assert.isUndefined(await world.get(last));
    }).timeout(60_000);

    it('leaves nothing for ever', async () => {
      const first = await world.create({ duration: 30 });
      await world.get((await successorOf(first.id)).id);
      await world.advance(86_400 * SECOND);
      assert.isUndefined(await world.get(first.id));
      await world.create({ id: first.id });
      assert.isDefined(await world.get(first.id));
    });
  });

  describe('a delete of a token that was rotated', () => {
    it('ends its successor within the grace', async () => {
      const first = await world.create();
      const second = await successorOf(first.id, { grace: 60 });
      assert.isTrue(await world.delete(first.id));
      assert.isUndefined(await world.get(second.id));
      assert.isFalse(await world.delete(first.id));
      assert.deepEqual((await world.facts()).slice(2), [
        { type: 'token-revoked', subject: second.id, owner: 'ann', version: 2, reason: 'deleted' },
      ]);
    });

    it('ends its successor where it was issued before the rotation', async () => {
      const first = await world.create({ ago: 10 * SECOND });
      const issuedAt = world.now();
      const second = await successorOf(first.id);
      const job = world.job('revocations');
      assert.isTrue(await world.delete(first.id, { issuedAt, job, commandId: 'd' }));
      assert.isTrue(await world.delete(first.id, { issuedAt, job, commandId: 'd' }));
      assert.isUndefined(await world.get(second.id));
      assert.equal((await world.facts()).filter(({ type }) => type === 'token-reused').length, 0);
    });
  });

  describe('a thief and a victim', () => {
    it('who use their copies in any order end the family, and that is told once', async function () {
      this.timeout(120_000);
      const move = fc.record({
        by: fc.constantFrom('thief', 'victim'),
        use: fc.constantFrom('get', 'rotate', 'rotate', 'update', 'refresh'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(move, { maxLength: 12 }), fc.nat(3), async (moves, stolenAfter) => {
          const owner = newId();
          const first = await world.create({ owner, duration: 600 });
          let id = first.id;
          for (let i = 0; i < stolenAfter; i++) id = (await successorOf(id, { grace: 0.5 })).id;
          const copies = { thief: id, victim: id };
          const act = async (by: 'thief' | 'victim', use: string): Promise<void> => {
            const held = copies[by];
            if (use === 'get') await world.get(held);
            else if (use === 'update') await world.update(held, { a: 1 });
            else if (use === 'refresh') await world.refresh(held, 600);
            else copies[by] = (await world.rotate(held, { grace: 0.5 }))?.record.id ?? held;
            await world.advance(SECOND); // past every grace
          };
          for (const { by, use } of moves) await act(by, use);
          // Each rotates what it holds, twice: whoever comes second has a copy that was rotated.
          for (const by of ['thief', 'victim', 'thief', 'victim'] as const) await act(by, 'rotate');
          assert.deepEqual(await world.list(owner), []);
          const told = (await world.facts()).filter((fact) => fact.owner === owner);
          assert.lengthOf(
            told.filter(({ type }) => type === 'token-reused'),
            1,
          );
          assert.lengthOf(
            told.filter(({ type }) => type === 'token-revoked'),
            1,
          );
        }),
        { numRuns: 30, ...seeded },
      );
    });
  });
}
