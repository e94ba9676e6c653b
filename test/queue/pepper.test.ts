// Peppers with ids over the queue: producers know them, and workers none.
import { assert } from 'chai';
import {
  CommandConflictError,
  ConfigError,
  RedisTokens,
  type Token,
  type TokenProducer,
} from '../../src/index.js';
import { SCOPE, Stage, stamp } from './stage.js';

const ANN = { ...SCOPE, owner: 'ann' };
const OLD = { id: '2025', key: 'the old key, which nobody else has seen yet' };
const NEW = { id: '2026', key: 'the new key, which nobody else has seen yet' };

describe('Peppers over the queue', () => {
  const stage = new Stage();
  let older: TokenProducer;
  let newer: TokenProducer;

  beforeEach(async () => {
    await stage.startWorker();
    older = stage.producer({ pepper: [OLD] });
    await older.ready();
    newer = stage.producer({ pepper: [NEW, OLD] });
  });

  const make = (fields: object = {}): Promise<Token> => older.create({ ...ANN, duration: 600, ...fields });
  const facts = async () =>
    (await stage.redis.xrange(`{${stage.prefix}:0}:log`, '-', '+'))
      .map(([, [, event]]) => JSON.parse(event as string))
      .map(({ type, subject, data }) => [type, subject, data.successor]);

  it('have each operation find what the older one sealed, by a worker that knows none', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => make()));
    await newer.ready();
    const [read, updated, refreshed, rotated, deleted, consumed] = made.map(({ token }) => ({
      ...SCOPE,
      token,
    })) as [Token, Token, Token, Token, Token, Token];
    const idOf = (token: Token) => newer.idOf(token);
    assert.include(await newer.get(read), { id: idOf(read), token: read.token });
    assert.deepInclude(await newer.update({ ...updated, data: { a: 1 } }), {
      id: idOf(updated),
      data: { a: 1 },
    });
    assert.include(await newer.refresh({ ...refreshed, duration: 700 }), { id: idOf(refreshed), version: 2 });
    const successor = (await newer.rotate(rotated)) as Token;
    assert.include(await newer.get(successor), { id: idOf(successor), version: 2 });
    assert.isTrue(await newer.delete(deleted));
    assert.include(await newer.consume(consumed), { id: made[5]?.id as string, owner: 'ann' });
    for (const gone of [rotated, deleted, consumed]) assert.isUndefined(await newer.get(gone));
    const left = await newer.list(ANN);
    assert.sameMembers(
      left.map(({ id }) => id),
      [read, updated, refreshed].map(idOf),
    );
    assert.deepInclude(await facts(), ['token-resealed', made[0]?.id, idOf(read)]);
  });

  it('leave the excepted token to a deleteAll, and a custom one to who has it', async () => {
    const { token } = await make({ customToken: 'a secret of our own' });
    await make();
    assert.equal(await newer.deleteAll({ ...ANN, except: token }), 1);
    assert.include(await newer.get({ ...SCOPE, token }), { id: newer.idOf({ ...SCOPE, token }) });
    const again = await newer.create({ ...ANN, duration: 60, customToken: token }).then(
      () => 'made',
      (error) => error.code,
    );
    assert.equal(again, 'TOKEN_EXISTS');
  });

  it('make no other command of one that comes again by a newer one', async () => {
    const { token } = await make({ customToken: 'a secret of our own' });
    const both = stage.producer({ pepper: [OLD, NEW] });
    const update = { ...SCOPE, token, data: { a: 1 } };
    const first = await older.update(update, { commandId: 'u' });
    for (const producer of [older, both, newer]) {
      const again = await producer.update(update, { commandId: 'u' });
      assert.deepEqual(again, first);
    }
    await newer.get({ ...SCOPE, token });
    assert.deepInclude(await newer.update(update, { commandId: 'u' }), { version: 2, data: { a: 1 } });
    const other = await newer
      .update({ ...update, token: 'another' }, { commandId: 'u' })
      .catch((error) => error);
    assert.instanceOf(other, CommandConflictError);
  });

  it('have a job of one batch run in order, by whichever id each command knows a token', async () => {
    const { id, token } = await make();
    const ids = { id: newer.idOf({ ...SCOPE, token }), formerIds: [id] };
    const command = (commandId: string, op: string, fields: object) => ({
      ...{ commandId, op, issuedAt: stamp(), ...SCOPE },
      ...fields,
    });
    const results = await stage.run('commands', {
      v: 1,
      replyTo: null,
      commands: [
        command('1', 'update', { id, data: { n: 1 } }),
        command('2', 'update', { ...ids, data: { n: 2 } }),
        command('3', 'update', { id, data: { n: 3 } }),
        command('4', 'get', ids),
      ],
    });
    assert.deepEqual(
      results
        .map(({ value }) => value as Token)
        .map(({ id: place, data, version }) => [place, data, version]),
      [
        [id, { n: 1 }, 2],
        [ids.id, { n: 2 }, 3],
        [ids.id, { n: 3 }, 4],
        [ids.id, { n: 3 }, 4],
      ],
    );
  });

  it('refuse former ids that are none of the token', async () => {
    const { id } = await make();
    const elsewhere = `${id[0] === 'A' ? 'B' : 'A'}${id.slice(1)}`;
    const wrong: unknown[] = [
      ...[[], [elsewhere], [id], 'text', [7], [`${id.slice(0, 2)}${'x'.repeat(19)}`], null],
      Array.from({ length: 5 }, (_, i) => `${id.slice(0, 2)}${String(i).repeat(20)}`),
      [`${id.slice(0, 2)}${'x'.repeat(20)}`, `${id.slice(0, 2)}${'x'.repeat(20)}`],
    ];
    const issuedAt = stamp();
    const commands = wrong.map((formerIds, i) => ({
      ...{ commandId: String(i), op: 'get', issuedAt, ...SCOPE, id },
      formerIds,
    }));
    const results = await stage.run('commands', { v: 1, replyTo: null, commands });
    for (const [i, { error }] of results.entries()) {
      assert.equal(error?.code, 'VALIDATION', JSON.stringify(wrong[i]));
      assert.include(error?.message, 'formerIds');
    }
    const [alone] = await stage.run(
      'revocations',
      {
        ...{ v: 1, replyTo: null },
        commands: [{ commandId: 'c', op: 'deleteAll', issuedAt, ...ANN, formerIds: [id] }],
      },
      'except',
    );
    assert.equal(alone?.error?.code, 'VALIDATION', 'without an id that they are former ones of');
  });

  it('that are wrong are told to a producer, and not to a worker', async () => {
    await newer.ready();
    for (const pepper of [undefined, 'x'.repeat(32), [{ ...NEW, key: 'x'.repeat(32) }], [OLD]] as const) {
      const refused = await stage
        .producer({ pepper: pepper as never })
        .get({ ...SCOPE, token: 'a' })
        .catch((error) => error);
      assert.instanceOf(refused, ConfigError);
      assert.match(refused.message, /:meta: .*pepper/);
    }
    const office = stage.producer({ pepper: false });
    const { id } = await newer.create({ ...ANN, duration: 60 });
    assert.isTrue(await office.deleteById({ ...ANN, id }));
    const tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, pepper: [NEW] }));
    await tokens.ready();
  });
});
