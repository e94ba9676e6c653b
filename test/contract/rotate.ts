// Contract: rotate.
import { assert } from 'chai';
import { CommandExpiredError, TokenExistsError, TokenRevokedError } from '../../src/tokens/errors.js';
import type { Rotated } from '../../src/tokens/repository.js';
import { newNonce } from '../../src/tokens/secret.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, type World } from './world.js';

export function rotateContract(world: World): void {
  describe('rotate', () => {
    it('puts a successor in the place of a token, which is dead', async () => {
      const old = await world.create({ data: { a: [1] }, duration: 60, label: 'phone', hint: 'rt_…0000' });
      await world.advance(5 * SECOND);
      const before = await world.get(old.id);
      const [successor, nonce] = [newId(), newNonce()];
      const rotated = await world.rotate(old.id, { successor, nonce, hint: 'rt_…1111', grace: 10 });
      assert.equal(rotated?.nonce, nonce);
      const { createdAt, ...rest } = (rotated as Rotated).record;
      const { createdAt: _, ...expected } = {
        ...before,
        id: successor,
        version: 2,
        hint: 'rt_…1111',
      } as TokenRecord;
      assert.deepEqual(rest, expected);
      assert.approximately(createdAt, world.nowMs(), SECOND);
      assert.deepEqual(await world.get(successor), rotated?.record);
      assert.deepEqual(await world.list('ann'), [rotated?.record as TokenRecord]);
      assert.isUndefined(await world.get(old.id));
      assert.isUndefined(await world.update(old.id, { a: 2 }));
      assert.isUndefined(await world.refresh(old.id, 60));
      assert.isDefined(await world.get(successor), 'within the grace no use of the old one harms it');
      assert.deepEqual((await world.facts()).slice(1), [
        { type: 'token-rotated', subject: old.id, owner: 'ann', version: 2, successor },
      ]);
    });

    it('keeps a hint only for a token that has one', async () => {
      const { id } = await world.create();
      const rotated = await world.rotate(id, { hint: 'rt_…1111' });
      assert.doesNotHaveAnyKeys(rotated?.record, ['hint', 'label', 'family', 'rotated']);
    });

    it('keeps the expiry, or sets the remaining life from now', async () => {
      const first = await world.create({ duration: 60 });
      const second = await world.rotate(first.id);
      assert.equal(second?.record.expiresAt, first.expiresAt);
      const third = await world.rotate(second?.record.id as string, { duration: 600 });
      assert.approximately(third?.record.expiresAt ?? 0, world.nowMs() + 600 * SECOND, SECOND);
      const fourth = await world.rotate(third?.record.id as string, { duration: 6 });
      assert.approximately(fourth?.record.expiresAt ?? 0, world.nowMs() + 6 * SECOND, SECOND);
      await world.advance(7 * SECOND);
      assert.isUndefined(await world.get(fourth?.record.id as string));
    });

    it('counts the time that a duration waited in a queue, and never shortens what a later one set', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      const rotated = await world.rotate(id, { duration: 60, ago: 20 * SECOND, job: world.job() });
      assert.approximately(rotated?.record.expiresAt ?? 0, world.nowMs() + 40 * SECOND, SECOND);
      const other = await world.create({ ago: 30 * SECOND, duration: 600 });
      const later = await world.refresh(other.id, 3_600, { ago: 10 * SECOND, job: world.job() });
      const stale = await world.rotate(other.id, { duration: 60, ago: 20 * SECOND, job: world.job() });
      assert.equal(stale?.record.expiresAt, later?.expiresAt);
    });

    it('ends the token where the life that it sets is over already, as expired', async () => {
      const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
      assert.isUndefined(await world.rotate(id, { duration: 10, ago: 20 * SECOND, job: world.job() }));
      assert.isUndefined(await world.get(id));
      assert.equal((await world.facts()).at(-1)?.type, 'token-expired');
    });

    it('finds nothing where there is no token, in no other scope, and revives none', async () => {
      const { id } = await world.create({ duration: 1 });
      assert.isUndefined(await world.rotate(newId()));
      assert.isUndefined(await world.rotate(id, { app: 'mill' }));
      assert.isUndefined(await world.rotate(id, { type: 'reset' }));
      await world.advance(2 * SECOND);
      assert.isUndefined(await world.rotate(id));
      assert.lengthOf(await world.events(), 1);
    });

    it('within its grace answers the same successor again, and afterwards none', async () => {
      const { id } = await world.create();
      const first = await world.rotate(id, { grace: 10.5 });
      for (const fields of [{}, { grace: 300 }, { job: world.job(), commandId: 'r' }]) {
        await world.advance(3 * SECOND);
        const again = await world.rotate(id, fields);
        assert.equal(again?.nonce, first?.nonce);
        assert.deepEqual(again?.record, await world.get(first?.record.id as string));
      }
      const issuedAt = world.now();
      await world.advance(3 * SECOND);
      assert.isUndefined(
        await world.rotate(id, { issuedAt: issuedAt - 3 * SECOND * 1_000 }),
        'issued in time',
      );
      assert.isDefined(await world.get(first?.record.id as string));
      assert.isUndefined(await world.rotate(id));
      assert.isUndefined(await world.get(first?.record.id as string));
    });

    it('answers no successor that is dead', async () => {
      for (const end of [
        (id: string) => world.delete(id),
        () => world.deleteAll('ann'),
        (id: string) => world.rotate(id),
      ]) {
        const { id } = await world.create();
        const first = await world.rotate(id, { grace: 60 });
        await end(first?.record.id as string);
        assert.isUndefined(await world.rotate(id));
      }
    });

    it('a hundred times at once makes one successor, which all are answered', async () => {
      const { id } = await world.create();
      const all = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          world.rotate(id, { grace: 10, ...(i % 2 && { job: world.job(), commandId: 'r' }) }),
        ),
      );
      assert.lengthOf(await world.list('ann'), 1);
      assert.equal(new Set(all.map((rotated) => JSON.stringify(rotated))).size, 1);
      assert.deepEqual(all[0]?.record, (await world.list('ann'))[0]);
      assert.lengthOf(await world.events(), 2);
    });

    it('a hundred times at once, without grace, answers one, and is no reuse for the others', async () => {
      const { id } = await world.create();
      const issuedAt = world.now();
      const all = await Promise.all(Array.from({ length: 100 }, () => world.rotate(id, { issuedAt })));
      assert.lengthOf(
        all.filter((rotated) => rotated !== undefined),
        1,
      );
      assert.lengthOf(await world.list('ann'), 1);
      assert.lengthOf(await world.events(), 2);
    });

    it('of a job that is run twice answers the same, and is no reuse', async () => {
      const { id } = await world.create();
      const command = { successor: newId(), nonce: newNonce(), job: world.job(), commandId: 'r' };
      const issuedAt = world.now();
      const first = await world.rotate(id, { ...command, issuedAt });
      await world.advance(20 * SECOND);
      const again = await world.rotate(id, { ...command, issuedAt: issuedAt - 20 * SECOND * 1_000 });
      assert.equal(again?.nonce, first?.nonce);
      assert.deepEqual(again?.record, await world.get(command.successor));
      await world.delete(command.successor);
      assert.isUndefined(await world.rotate(id, { ...command, issuedAt: issuedAt - 20 * SECOND * 1_000 }));
      assert.deepEqual(
        (await world.facts()).map(({ type }) => type),
        ['token-created', 'token-rotated', 'token-revoked'],
      );
    });

    it('of a job that was answered the successor of another is answered it again', async () => {
      const { id } = await world.create();
      const first = await world.rotate(id, { grace: 60 });
      const command = { successor: newId(), nonce: newNonce(), job: world.job(), commandId: 'r' };
      for (let i = 0; i < 2; i++) assert.deepEqual(await world.rotate(id, command), first);
    });

    it('never takes the place of another token', async () => {
      const { id } = await world.create();
      const other = await world.create();
      for (const successor of [other.id, id])
        await refused(world.rotate(id, { successor }), TokenExistsError);
      assert.deepEqual(await world.get(other.id), other);
      assert.isDefined(await world.get(id));
      assert.lengthOf(await world.events(), 2);
    });

    it('keeps a create from bringing the token to life', async () => {
      const { id } = await world.create({ custom: false, duration: 3_600 });
      await world.rotate(id);
      await refused(world.create({ id, custom: false }), TokenRevokedError);
      await world.advance(MAX_COMMAND_AGE + 120 * SECOND);
      await refused(world.create({ id, custom: false }), TokenRevokedError);
      await refused(world.create({ id }), TokenRevokedError);
    });

    it('carries no token past a revocation that was issued before it, and arrives later', async () => {
      for (const revoke of ['delete', 'deleteAll'] as const) {
        const { id } = await world.create({ ago: 30 * SECOND, duration: 600 });
        const issuedAt = world.now();
        const rotated = await world.rotate(id);
        const late = { issuedAt, job: world.job('revocations'), commandId: 'late' };
        const ended = revoke === 'delete' ? await world.delete(id, late) : await world.deleteAll('ann', late);
        assert.equal(Number(ended), 1, revoke);
        assert.isUndefined(await world.get(rotated?.record.id as string), revoke);
      }
    });

    it('finds nothing where a revocation came first', async () => {
      const issuedAt = world.now();
      const { id } = await world.create({ issuedAt: issuedAt - 1_000 });
      await world.delete(id);
      assert.isUndefined(await world.rotate(id, { issuedAt }));
      assert.deepEqual(await world.list('ann'), []);
    });

    it('that is too old is refused', async () => {
      const { id } = await world.create({ duration: 9_999 });
      await refused(world.rotate(id, { ago: MAX_COMMAND_AGE + SECOND }), CommandExpiredError);
      assert.isDefined(await world.get(id));
    });
  });
}
