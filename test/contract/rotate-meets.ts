// Contract: rotations, and what else is done to tokens.
import { assert } from 'chai';
import { LimitExceededError, TokenExistsError, TokenRevokedError } from '../../src/tokens/errors.js';
import type { Rotated } from '../../src/tokens/repository.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { ANN } from './limit.js';
import { refused } from './refusals.js';
import { newId, SECOND, type World } from './world.js';

export function rotateMeetsContract(world: World): void {
  const successorOf = async (id: string, fields: object = {}): Promise<TokenRecord> =>
    ((await world.rotate(id, fields)) as Rotated).record;
  const types = async () => (await world.facts()).map(({ type }) => type);
  const stored = async (id: string) => (await world.get(id)) as TokenRecord;

  const endOldest = { max: 2, overflow: 'end-oldest' };

  describe('a token that was rotated', () => {
    it('is no more for who knows its id alone, and that is no use of it', async () => {
      const first = await world.create();
      const second = await successorOf(first.id);
      await world.advance(SECOND);
      await world.events();
      assert.isUndefined(await world.getById(first.id));
      assert.isUndefined(await world.getById(first.id, { owner: 'ann' }));
      assert.deepEqual(await world.list('ann'), [await stored(second.id)]);
      assert.equal(await world.count({ owner: 'ann' }), 1);
      assert.isFalse(await world.deleteById(first.id, { owner: 'bob' }), 'another owner harms nothing');
      assert.isDefined(await world.getById(second.id, { owner: 'ann' }));
      assert.deepEqual(await types(), []);
    });

    for (const [when, grace] of [
      ['within its grace', 60],
      ['after its grace', 0],
    ] as const) {
      it(`ends its successor where it is revoked by its id, and tells what was given (${when})`, async () => {
        for (const owner of [undefined, 'ann']) {
          const first = await world.create();
          const second = await successorOf(first.id, { grace });
          await world.advance(SECOND);
          await world.events();
          const run = { owner, job: world.job('revocations'), commandId: 'd', reason: 'lost', by: 'user' };
          for (let i = 0; i < 2; i++) assert.isTrue(await world.deleteById(first.id, run));
          assert.isFalse(await world.deleteById(first.id, { owner }));
          assert.isUndefined(await world.get(second.id));
          const told = { owner: 'ann', version: 2, reason: 'lost', by: 'user', commandId: 'd' } as const;
          assert.deepEqual(await world.facts(), [{ type: 'token-revoked', subject: second.id, ...told }]);
        }
      });
    }

    it('ends its successor where it is deleted within its grace, and tells what was given', async () => {
      const first = await world.create();
      const second = await successorOf(first.id, { grace: 60 });
      await world.events();
      assert.isTrue(await world.delete(first.id, { reason: 'logged out', by: 'user' }));
      const told = { owner: 'ann', version: 2, reason: 'logged out', by: 'user' } as const;
      assert.deepEqual(await world.facts(), [{ type: 'token-revoked', subject: second.id, ...told }]);
    });

    it('is not consumed within its grace, and its successor lives', async () => {
      const first = await world.create();
      const second = await successorOf(first.id, { grace: 60 });
      assert.isUndefined(await world.consume(first.id));
      assert.deepEqual(await world.consume(second.id), second);
      assert.isUndefined(await world.rotate(first.id));
    });

    it('ends its successor for its owner alone, whatever that is called', async () => {
      const owners = [
        'a',
        'a:b',
        '"',
        '\\',
        '","',
        ',1,"',
        ']',
        '%25',
        '*',
        '\n',
        '\u0001',
        '\u007f',
        '\u2028',
        '🙂',
      ];
      for (const [i, owner] of owners.entries()) {
        const first = await world.create({ owner });
        const second = await successorOf(first.id);
        assert.isFalse(await world.deleteById(first.id, { owner: owners.at(i - 1) }));
        assert.deepEqual(await world.list(owner), [second]);
        assert.isTrue(await world.deleteById(first.id, { owner }));
        assert.deepEqual(await world.list(owner), []);
      }
    });

    it('is left alone by uses that are told late', async () => {
      const first = await world.create({ idle: 30, duration: 600 });
      const second = await successorOf(first.id);
      await world.advance(SECOND);
      await world.touch(first.id);
      assert.isUndefined(await world.getById(first.id));
      assert.notProperty(await stored(second.id), 'lastUsedAt');
      assert.deepEqual(await types(), ['token-created', 'token-rotated']);
    });

    it('excepts nothing from a deleteAll', async () => {
      const first = await world.create();
      const second = await successorOf(first.id, { grace: 60 });
      assert.equal(await world.deleteAll('ann', { except: first.id }), 1);
      assert.isUndefined(await world.get(second.id));
    });

    it('is not counted by a limit', async () => {
      const create = (max: number, id = newId()) =>
        world.create({ id, owner: ANN, custom: false, limit: { max, overflow: 'reject' } });
      const first = await create(1);
      await successorOf(first.id);
      await refused(create(1), LimitExceededError);
      await create(2);
      await refused(create(2, first.id), TokenRevokedError);
    });
  });

  describe('a successor', () => {
    it('is as old as its family where a limit ends the oldest', async () => {
      const create = (ago: number) =>
        world.create({ owner: ANN, custom: false, ago: ago * SECOND, duration: 600, limit: endOldest });
      const [first, other] = [await create(20), await create(10)];
      const second = await successorOf(first.id, { grace: 60 });
      await create(0);
      assert.isUndefined(await world.get(second.id));
      assert.isUndefined(await world.rotate(first.id), 'nothing brings it back');
      assert.isDefined(await world.get(other.id));
    });

    it('that was revoked before it was there is not made, and its token ends', async () => {
      for (const owner of [undefined, 'ann']) {
        const [first, successor] = [await world.create(), newId()];
        await world.events();
        assert.isFalse(await world.deleteById(successor, { owner: 'bob' }));
        const other = await world.create();
        assert.isDefined(await world.rotate(other.id, { successor }));
        await world.events();
        const revoked = newId();
        assert.isFalse(await world.deleteById(revoked, { owner }));
        assert.isUndefined(await world.rotate(first.id, { successor: revoked }));
        for (const id of [first.id, revoked]) assert.isUndefined(await world.getById(id));
        assert.deepEqual(await world.facts(), [
          { type: 'token-revoked', subject: first.id, owner: 'ann', version: 1, reason: 'deleted' },
        ]);
      }
    });

    it('stays excepted from what its token was excepted from, and from that alone', async () => {
      const first = await world.create({ ago: 20 * SECOND, duration: 600 });
      const issuedAt = world.now() - 5 * SECOND * 1_000;
      await world.deleteAll('ann', { except: first.id });
      const second = await successorOf(first.id);
      assert.isDefined(await world.update(second.id, { a: 1 }));
      const third = await successorOf(second.id);
      assert.isDefined(await world.refresh(third.id, 60));
      const late = { issuedAt, job: world.job('revocations'), commandId: 'late' };
      assert.equal(await world.deleteAll('ann', late), 1);
      assert.isUndefined(await world.get(third.id));
    });

    const revocations: Record<string, (id: string, issue?: object) => Promise<unknown>> = {
      deleteScope: (_, issue) => world.deleteScope(issue),
      deleteApp: (_, issue) => world.deleteApp(issue),
      'deleteById of its token': (id, issue) => world.deleteById(id, issue),
      'deleteById of its token, for its owner': (id, issue) =>
        world.deleteById(id, { owner: 'ann', ...issue }),
    };
    for (const [name, revoke] of Object.entries(revocations)) {
      for (const [when, isLate] of [
        ['after the rotation', false],
        ['before it', true],
      ] as const) {
        it(`is ended by a revocation that was issued ${when} (${name})`, async () => {
          const first = await world.create({ ago: 30 * SECOND, duration: 600 });
          const late = { issuedAt: world.now(), job: world.job('revocations'), commandId: 'late' };
          const second = await successorOf(first.id);
          assert.equal(Number(await revoke(first.id, isLate ? late : {})), 1);
          assert.isUndefined(await world.get(second.id));
          await world.events();
          await world.advance(SECOND);
          for (let i = 0; i < 2; i++) assert.isUndefined(await world.get(first.id));
          assert.deepEqual(await types(), ['token-reused'], 'told once, and nothing more is revoked');
        });
      }
    }
  });

  describe('a successor of a token with an idle time', () => {
    it('keeps the ceiling, begins its idle time anew, and was used by nobody', async () => {
      const first = await world.create({ idle: 30, duration: 600, label: 'phone' });
      await world.touch(first.id);
      await world.advance(20 * SECOND);
      const { absoluteExpiresAt, lastUsedAt } = await stored(first.id);
      assert.isDefined(lastUsedAt);
      const second = await successorOf(first.id);
      assert.notProperty(second, 'lastUsedAt');
      assert.deepInclude(second, { absoluteExpiresAt, idle: 30, label: 'phone' } as object);
      assert.approximately(second.expiresAt, world.nowMs() + 30 * SECOND, SECOND);
      await world.advance(20 * SECOND);
      await world.touch(second.id, { every: 600 * SECOND });
      const used = await stored(second.id);
      assert.equal(used.expiresAt, (used.lastUsedAt as number) + 30 * SECOND);
    });

    it('lives for as long as it is rotated in time, and no longer than the ceiling', async () => {
      let { id } = await world.create({ idle: 30, duration: 100 });
      for (let i = 0; i < 4; i++) {
        await world.advance(20 * SECOND);
        id = (await successorOf(id)).id;
      }
      const { expiresAt, absoluteExpiresAt } = await stored(id);
      assert.equal(expiresAt, absoluteExpiresAt);
      await world.advance(21 * SECOND);
      assert.isUndefined(await world.rotate(id));
    });

    it('that waited in a queue never shortens what a use has set since', async () => {
      const first = await world.create({ idle: 30, duration: 600, ago: 25 * SECOND });
      const issuedAt = world.now() - 20 * SECOND * 1_000;
      await world.touch(first.id);
      const { expiresAt } = await stored(first.id);
      const second = await successorOf(first.id, { issuedAt, job: world.job(), commandId: 'r' });
      assert.equal(second.expiresAt, expiresAt);
    });

    it('has its ceiling set by a duration, and its idle time begun anew', async () => {
      for (const [duration, life] of [
        [900, 30],
        [20, 20],
      ] as const) {
        const first = await world.create({ idle: 30, duration: 600 });
        await world.advance(20 * SECOND);
        const second = await successorOf(first.id, { duration });
        assert.approximately(second.absoluteExpiresAt ?? 0, world.nowMs() + duration * SECOND, SECOND);
        assert.approximately(second.expiresAt, world.nowMs() + life * SECOND, SECOND);
      }
    });

    it('leaves its token as it was where the rotation is refused', async () => {
      const first = await world.create({ idle: 30, duration: 600, hint: 'rt_…0000' });
      await world.touch(first.id);
      const [before, other] = [await stored(first.id), await world.create()];
      const fields = { successor: other.id, duration: 900, hint: 'rt_…1111' };
      await refused(world.rotate(first.id, fields), TokenExistsError);
      assert.deepEqual(await world.get(first.id), before);
    });

    it('has the use of those before it noticed for as long as it is used', async () => {
      const first = await world.create({ idle: 30, duration: 6_000 });
      const second = await successorOf(first.id);
      for (let i = 0; i < 20; i++) {
        await world.advance(20 * SECOND);
        await world.touch(second.id);
      }
      assert.isDefined(await world.get(second.id));
      assert.isUndefined(await world.get(first.id));
      assert.isUndefined(await world.get(second.id));
    });
  });
}
