// Tokens that lie under the id of an older pepper: found by whoever presents them, and moved to the newest id.
import { assert } from 'chai';
import type { TokenError } from '../../src/tokens/errors.js';
import { newNonce } from '../../src/tokens/secret.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { ANN } from './limit.js';
import { type Fact, newId, SECOND, type World } from './world.js';

/** What a call was refused with; or else that it was not. */
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'was not refused',
    (error: TokenError) => error.code,
  );

export function resealContract(world: World): void {
  describe('a token under a former id', () => {
    let former: string;
    let newest: string;
    let made: TokenRecord;

    /** Ann's token, made by who knew no newer pepper. */
    async function make(fields: Parameters<World['create']>[0] = {}): Promise<void> {
      await world.deleteScope(); // the one before
      former = newId();
      newest = newId();
      made = await world.create({ id: former, data: { cart: [7], 'a"b': '🙂' }, ...fields });
      await world.events();
    }

    const ids = () => ({ formerIds: [former] });
    const resealed = (version = 1): Fact => ({
      type: 'token-resealed',
      subject: former,
      owner: 'ann',
      version,
      successor: newest,
    });

    beforeEach(() => make());

    it('is found by a get, and moved with nothing changed but its id', async () => {
      await make({ label: 'phone, "old"', idle: 30, duration: 50 });
      await world.touch(former);
      const before = await world.getById(former);
      assert.deepEqual(await world.get(newest, ids()), { ...(before as TokenRecord), id: newest });
      assert.deepEqual(await world.facts(), [resealed()]);
      assert.deepEqual(await world.list('ann'), [{ ...(before as TokenRecord), id: newest }]);
      assert.equal(await world.count({ owner: 'ann' }), 1);
      assert.equal(await world.count(), 1);
      assert.deepEqual(await world.get(newest), { ...(before as TokenRecord), id: newest });
      assert.deepEqual(await world.facts(), [], 'once');
    });

    it('is read, and not moved, by a get that is no use', async () => {
      assert.deepEqual(await world.get(newest, { ...ids(), touch: false }), made);
      assert.deepEqual(await world.facts(), []);
      assert.equal(await world.get(newest), undefined);
    });

    it('is found behind several ids, and none of them where it is under another', async () => {
      assert.equal(await world.get(newest, { formerIds: [newId(), newId()] }), undefined);
      assert.equal((await world.get(newest, { formerIds: [newId(), former, newId()] }))?.id, newest);
    });

    it('is updated', async () => {
      const updated = await world.update(newest, { cart: null }, ids());
      assert.deepEqual(updated, { ...made, id: newest, data: { 'a"b': '🙂' }, version: 2 });
      assert.deepEqual(
        (await world.facts()).map(({ type, subject }) => [type, subject]),
        [
          ['token-resealed', former],
          ['token-updated', newest],
        ],
      );
    });

    it('is moved also where the update is refused', async () => {
      assert.equal(await codeOf(world.update(newest, {}, { ...ids(), ifVersion: 7 })), 'VERSION_CONFLICT');
      assert.equal((await world.get(newest))?.id, newest);
    });

    it('is refreshed, and known by its former id for as long as it lives', async () => {
      const refreshed = await world.refresh(newest, 7_200, ids());
      assert.deepInclude(refreshed, { id: newest, version: 2 });
      await world.refresh(newest, 10_000);
      await world.advance(9_000 * SECOND);
      assert.equal((await world.getById(former))?.id, newest);
      assert.isTrue(await world.deleteById(former));
      assert.equal(await world.get(newest), undefined);
    });

    it('is rotated, and using it again by either id is reuse', async () => {
      for (const used of ['former', 'newest']) {
        await make();
        const rotated = await world.rotate(newest, ids());
        assert.equal(rotated?.record.version, 2);
        assert.deepEqual(
          (await world.facts()).map(({ type, subject }) => [type, subject]),
          [
            ['token-resealed', former],
            ['token-rotated', newest],
          ],
        );
        const id = rotated?.record.id as string;
        assert.equal((await world.get(id))?.id, id);
        await world.get(used === 'former' ? former : newest, used === 'former' ? {} : ids());
        assert.equal(await world.get(id), undefined, used);
        assert.includeMembers(
          (await world.facts()).map(({ type }) => type),
          ['token-reused', 'token-revoked'],
        );
      }
    });

    it('that was rotated before is used again by who knows a newer pepper', async () => {
      const rotated = await world.rotate(former);
      await world.get(newest, ids());
      assert.equal(await world.get(rotated?.record.id as string), undefined);
    });

    it('is deleted where it lies, before it has moved and after', async () => {
      for (const moves of [false, true]) {
        await make();
        if (moves) await world.get(newest, ids());
        assert.isTrue(await world.delete(newest, ids()));
        assert.isFalse(await world.delete(newest, ids()));
        for (const id of [newest, former]) assert.equal(await world.get(id), undefined);
        assert.equal(await world.count(), 0);
      }
    });

    it('is consumed once, as it was', async () => {
      const wins = await Promise.all(Array.from({ length: 20 }, () => world.consume(newest, ids())));
      assert.deepEqual(
        wins.filter((one) => one !== undefined),
        [made],
      );
      assert.deepEqual(
        (await world.facts()).map(({ type, reason }) => [type, reason]),
        [['token-revoked', 'consumed']],
      );
    });

    it('is what a deleteAll leaves', async () => {
      await world.create();
      assert.equal(await world.deleteAll('ann', { except: newest, ...ids() }), 1);
      assert.equal((await world.get(newest))?.id, newest);
      assert.equal(await world.count(), 1);
    });

    it('is in the way of a create of the same secret, and is what a generated create had made', async () => {
      assert.equal(await codeOf(world.create({ id: newest, ...ids() })), 'TOKEN_EXISTS');
      await make({ custom: false });
      await world.get(newest, ids());
      const again = await world.create({ id: former, custom: false, issuedAt: world.now() });
      assert.equal(again.id, newest, 'its create, sent again');
      assert.equal(await world.count(), 1);
    });

    it('that has moved is in the way of a create by its former id', async () => {
      await world.get(newest, ids());
      assert.equal(await codeOf(world.create({ id: former })), 'TOKEN_EXISTS');
      await world.delete(newest, ids());
      await world.advance(2);
      assert.equal((await world.create({ id: former })).id, former, 'a life that is over is in nobody’s way');
      assert.equal((await world.get(former))?.id, former);
    });

    it('counts once towards a limit', async () => {
      await make({ owner: ANN });
      const fields = { owner: ANN, custom: false, limit: { max: 2, overflow: 'end-oldest' } };
      const issuedAt = world.now();
      const held = await world.create({
        ...fields,
        id: newest,
        ...ids(),
        limit: { max: 1, overflow: 'reject' },
      });
      assert.equal(held.id, former, 'it takes no more room than it has');
      await world.get(newest, ids());
      const second = await world.create(fields);
      assert.equal((await world.get(newest))?.id, newest);
      const third = await world.create(fields);
      assert.sameMembers(
        (await world.list(ANN)).map(({ id }) => id),
        [second.id, third.id],
      );
      for (const id of [former, newest]) {
        const late = { id, owner: ANN, issuedAt, job: world.job(), commandId: 'late' };
        assert.equal(await codeOf(world.create(late)), 'TOKEN_REVOKED');
      }
    });

    it('ends with its owner, its scope and its app, once', async () => {
      for (const end of [
        () => world.deleteAll('ann'),
        () => world.deleteScope(),
        () => world.deleteApp(),
        () => world.deleteById(former),
        () => world.deleteById(former, { owner: 'ann' }),
      ]) {
        await make();
        await world.get(newest, ids());
        assert.equal(Number(await end()), 1);
        for (const id of [newest, former]) assert.equal(await world.getById(id), undefined);
        assert.equal(await world.count(), 0);
      }
    });

    it('stays another owner’s for who deletes it by its former id', async () => {
      await world.get(newest, ids());
      assert.isFalse(await world.deleteById(former, { owner: 'bob' }));
      assert.equal(await world.getById(former, { owner: 'bob' }), undefined);
      assert.equal((await world.get(newest))?.id, newest);
    });

    describe('and a revocation', () => {
      const queued = () => ({ job: world.job(), commandId: 'late' });

      it('leaves its mark on every id: no create of any of them arrives later', async () => {
        for (const revoke of [
          () => world.delete(newest, ids()),
          () => world.consume(newest, ids()),
          async () => {
            await world.get(newest, ids());
            return world.deleteById(newest);
          },
        ]) {
          await make();
          const issuedAt = world.now();
          await revoke();
          for (const id of [newest, former]) {
            for (const custom of [true, false])
              assert.equal(
                await codeOf(world.create({ id, custom, issuedAt, ...queued() })),
                'TOKEN_REVOKED',
              );
          }
        }
      });

      it('by an id that it was never under ends it, where it is moved by who knows that one', async () => {
        for (const use of [
          (all: object) => world.get(newest, all),
          (all: object) => world.refresh(newest, 60, all),
        ]) {
          await make();
          const between = newId();
          assert.isFalse(await world.deleteById(between));
          assert.isUndefined(await use({ formerIds: [between, former] }));
          assert.equal(await world.count(), 0);
        }
      });

      it('of what was not there yet refuses a create that knows one of its ids', async () => {
        const issuedAt = world.now();
        const [old, next] = [newId(), newId()];
        await world.delete(old);
        assert.equal(
          await codeOf(world.create({ id: next, formerIds: [old], issuedAt, ...queued() })),
          'TOKEN_REVOKED',
        );
      });

      it('of what was not there yet refuses a create by any of its ids', async () => {
        const issuedAt = world.now();
        const [old, next] = [newId(), newId()];
        assert.isFalse(await world.delete(next, { formerIds: [old] }));
        for (const id of [old, next])
          assert.equal(await codeOf(world.create({ id, issuedAt, ...queued() })), 'TOKEN_REVOKED');
      });

      it('that knew its newest id alone keeps it from being moved to that', async () => {
        await world.delete(newest);
        assert.equal(await world.get(newest, ids()), undefined);
        assert.equal(await world.count(), 0);
        assert.deepEqual(
          (await world.facts()).map(({ type, subject }) => [type, subject]),
          [['token-revoked', former]],
        );
      });

      it('that knew its former id alone, and comes late, ends it', async () => {
        const issuedAt = world.now();
        await world.get(newest, ids());
        assert.isTrue(
          await world.delete(former, { issuedAt, job: world.job('revocations'), commandId: 'out' }),
        );
        assert.equal(await world.get(newest, ids()), undefined);
      });

      it('is not undone by who uses it afterwards', async () => {
        for (const revoke of [
          () => world.delete(former),
          () => world.deleteAll('ann'),
          () => world.consume(former),
        ]) {
          await make();
          await revoke();
          await world.events();
          assert.equal(await world.get(newest, ids()), undefined);
          assert.equal(await world.update(newest, { a: 1 }, ids()), undefined);
          assert.equal(await world.refresh(newest, 60, ids()), undefined);
          assert.equal(await world.rotate(newest, ids()), undefined);
          assert.deepEqual(await world.facts(), []);
        }
      });
    });

    it('is moved once by a hundred at once', async () => {
      const found = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          i % 2 ? world.get(newest, ids()) : world.update(newest, { [`k${i}`]: i }, ids()),
        ),
      );
      assert.isTrue(found.every((one) => one?.id === newest));
      const facts = await world.facts();
      assert.lengthOf(
        facts.filter(({ type }) => type === 'token-resealed'),
        1,
      );
      assert.equal((await world.get(newest))?.version, 51);
    });

    it('stays for a minute where who finds it is still of the other opinion, and is found all the same', async () => {
      await make({ duration: 600 });
      await world.get(newest, ids());
      assert.equal((await world.get(former, { formerIds: [newest] }))?.id, newest);
      assert.equal((await world.update(former, { b: 1 }, { formerIds: [newest] }))?.id, newest);
      assert.equal((await world.get(former))?.id, newest, 'nor by who knows its former id alone');
      await world.advance(61 * SECOND);
      assert.equal((await world.get(former, { formerIds: [newest] }))?.id, former);
      assert.equal((await world.get(newest, ids()))?.id, former);
      await world.advance(61 * SECOND);
      assert.equal((await world.get(newest, ids()))?.id, newest);
      assert.equal(await world.count(), 1);
    });

    it('passes from pepper to pepper, and each of its ids leads to it', async () => {
      const all = [former, newest, newId(), newId(), newId()];
      for (let i = 1; i < all.length; i++)
        assert.equal((await world.get(all[i] as string, { formerIds: [all[i - 1] as string] }))?.id, all[i]);
      for (const id of all) assert.equal((await world.getById(id))?.id, all.at(-1));
      assert.isTrue(await world.delete(former));
      assert.equal(await world.count(), 0);
    });

    it('of another scope is none', async () => {
      assert.equal(await world.get(newest, { ...ids(), app: 'mill' }), undefined);
      await world.get(newest, ids());
      assert.equal(await world.get(former, { app: 'mill' }), undefined);
      assert.isFalse(await world.delete(former, { app: 'mill' }));
      assert.equal((await world.get(newest))?.id, newest);
    });

    describe('whose family goes on', () => {
      it('ends where the first is used again, after its successor has moved', async () => {
        const next = newId();
        const rotated = await world.rotate(former);
        const id = rotated?.record.id as string;
        assert.equal((await world.get(next, { formerIds: [id] }))?.id, next);
        await world.get(former);
        assert.equal(await world.get(next), undefined);
      });

      it('gives the successor that has moved to who repeats the rotation', async () => {
        const next = newId();
        const rotated = await world.rotate(former, { grace: 60 });
        await world.get(next, { formerIds: [rotated?.record.id as string] });
        const again = await world.rotate(newest, { ...ids(), grace: 60 });
        assert.equal(again?.record.id, next);
        assert.equal(again?.nonce, rotated?.nonce);
      });

      it('is known by its former ids for as long as the family lives', async () => {
        await world.get(newest, ids());
        const rotated = await world.rotate(newest, { duration: 5_000 });
        await world.refresh(rotated?.record.id as string, 9_000);
        await world.advance(8_000 * SECOND);
        await world.get(former);
        assert.equal(await world.get(rotated?.record.id as string), undefined);
      });
    });

    describe('whose command runs again after it has moved', () => {
      const again = <R>(run: (issue: object) => Promise<R>) => {
        const issue = { job: world.job(), commandId: 'c', issuedAt: world.now() };
        return () => run(issue);
      };

      it('answers what was decided, as of now', async () => {
        const update = again((issue) => world.update(former, { b: 2 }, issue));
        const refresh = again((issue) => world.refresh(former, 100, issue));
        const create = again((issue) => world.create({ id: newId(), ...issue }));
        const first = [await update(), await refresh()];
        assert.deepEqual(
          first.map((one) => [one?.id, one?.version]),
          [
            [former, 2],
            [former, 3],
          ],
        );
        const created = await create();
        await world.get(newest, ids());
        const moved = newId();
        await world.get(moved, { formerIds: [created.id] });
        for (const run of [update, refresh])
          assert.deepInclude(await run(), { id: newest, version: 3, data: { ...made.data, b: 2 } });
        assert.lengthOf(await world.list('ann'), 2);
      });

      it('tells the successor where that lies by now', async () => {
        const successor = { successor: newId(), nonce: newNonce() };
        const rotate = again((issue) => world.rotate(former, { ...successor, ...issue }));
        const before = await rotate();
        const next = newId();
        await world.get(next, { formerIds: [before?.record.id as string] });
        assert.deepEqual(await rotate(), {
          record: { ...(before?.record as TokenRecord), id: next },
          nonce: before?.nonce as string,
        });
      });

      it('answers what was consumed, by the id that it had', async () => {
        const consume = again((issue) => world.consume(newest, { ...ids(), ...issue }));
        assert.deepEqual([await consume(), await consume()], [made, made]);
      });
    });
  });
}
