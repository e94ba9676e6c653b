// A scoped handle: the same operations, with what the scope fills in.
import { assert } from 'chai';
import { MemoryTokens } from '../../src/memory/tokens.js';
import { ConfigError, ValidationError } from '../../src/tokens/errors.js';
import type { ScopeDefaults } from '../../src/tokens/operations.js';

const SESSION = { app: 'shop', type: 'session', duration: 86_400 };

describe('A scoped handle', () => {
  let tokens: MemoryTokens;
  beforeEach(() => {
    tokens = new MemoryTokens();
  });

  it('runs every operation in its scope', async () => {
    const sessions = tokens.scope<{ name: string; age?: number }>(SESSION);
    const created = await sessions.create({ owner: 'ann', data: { name: 'Ann' } });
    assert.deepEqual([created.app, created.type], ['shop', 'session']);
    const { token } = created;
    assert.deepEqual(await sessions.get({ token }), created);
    assert.equal((await sessions.update({ token, data: { age: 30 } }))?.data.age, 30);
    assert.equal((await sessions.refresh({ token }))?.version, 3);
    assert.lengthOf(await sessions.list({ owner: 'ann' }), 1);
    assert.equal(sessions.idOf({ token }), created.id);
    assert.isTrue(await sessions.delete({ token }));
    await sessions.create({ owner: 'ann' });
    assert.equal(await sessions.deleteAll({ owner: 'ann' }), 1);
  });

  it('shares its tokens with the door and with other handles of the scope, and with no other scope', async () => {
    const { token } = await tokens.scope(SESSION).create({ owner: 'ann' });
    assert.isDefined(await tokens.get({ app: 'shop', type: 'session', token }));
    assert.isDefined(await tokens.scope({ app: 'shop', type: 'session' }).get({ token }));
    assert.isUndefined(await tokens.scope({ app: 'shop', type: 'reset' }).get({ token }));
    assert.isUndefined(await tokens.scope({ app: 'mill', type: 'session' }).get({ token }));
  });

  it('fills in what a call leaves out, and no more', async () => {
    const sessions = tokens.scope(SESSION);
    const life = async (duration?: number) => {
      const { createdAt, expiresAt } = await sessions.create({ owner: 'ann', duration });
      return Math.round((expiresAt - createdAt) / 1_000);
    };
    assert.equal(await life(), 86_400);
    assert.equal(await life(undefined), 86_400);
    assert.equal(await life(60), 60);
    const { token } = await sessions.create({ owner: 'bob', duration: 1 });
    const refreshed = await sessions.refresh({ token });
    assert.approximately(refreshed?.expiresAt ?? 0, Date.now() + 86_400_000, 2_000);
  });

  it('gives each default to the operations that take it, and to no other', async () => {
    const sessions = tokens.scope({
      ...SESSION,
      idle: 60,
      hint: true,
      limit: { max: 2, overflow: 'end-oldest' },
    });
    const first = await sessions.create({ owner: 'ann' });
    assert.deepInclude(first, { idle: 60, hint: `rt_…${first.token.slice(-4)}` });
    assert.equal(first.expiresAt, Math.floor(first.createdAt) + 60_000);
    const own = await sessions.create({ owner: 'ann', idle: 90, hint: false, limit: { max: 9 } });
    assert.equal(own.idle, 90);
    assert.isUndefined(own.hint);
    await sessions.create({ owner: 'ann' });
    assert.isUndefined(await sessions.get(first), 'ended by the third');
    assert.lengthOf(await sessions.list({ owner: 'ann' }), 2, 'a limit of tokens is none of records');
    assert.lengthOf((await sessions.owners()).owners, 1);
    assert.equal(await sessions.count({ owner: 'ann' }), 2);
    assert.equal(await sessions.deleteAll({ owner: 'ann' }), 2);
  });

  it('counts, and tells owners, of its scope alone', async () => {
    const sessions = tokens.scope(SESSION);
    for (const owner of ['ann', 'ann', 'bob']) await sessions.create({ owner });
    await tokens.create({ app: 'shop', type: 'reset', owner: 'ann', duration: 60 });
    assert.equal(await sessions.count(), 3);
    assert.equal(await sessions.count({ owner: 'ann' }), 2);
    assert.equal(await sessions.count({ owner: 'nobody' }), 0);
    const page = await sessions.owners({ limit: 1 });
    assert.deepEqual(page.owners, [{ owner: 'ann', count: 2 }]);
    const rest = { owners: [{ owner: 'bob', count: 1 }], cursor: undefined };
    assert.deepEqual(await sessions.owners({ limit: 1, cursor: page.cursor }), rest);
  });

  it('can not be left through the input', async () => {
    const sessions = tokens.scope(SESSION);
    const input = { owner: 'ann', app: 'mill', type: 'admin' };
    const error = await sessions.create(input).then(
      () => assert.fail('made a token of another scope, or of another than was asked for'),
      (reason: unknown) => reason,
    );
    assert.instanceOf(error, ValidationError);
    const made = await sessions.create({ owner: 'ann' });
    assert.isTrue(await sessions.delete(made), 'a token of the scope may be passed as it is');
  });

  it('makes tokens with a prefix of its own, and knows them', async () => {
    const keys = tokens.scope({ ...SESSION, type: 'api-key', tokenPrefix: 'shop_key_' });
    const { token } = await keys.create({ owner: 'ann' });
    assert.match(token, /^shop_key_[0-9A-Za-z]{49}$/);
    assert.isDefined(await keys.get({ token }));
    assert.isDefined(await tokens.get({ app: 'shop', type: 'api-key', token }));
    assert.isUndefined(await keys.get({ token: `${token.slice(0, -1)}!` }));
    await keys.create({ owner: 'ann', customToken: 'shop_key_1' }).then(
      () => assert.fail('a custom token may not look like a generated one'),
      (error: unknown) => assert.instanceOf(error, ValidationError),
    );
  });

  it('is defined by plain data, which may change without it', async () => {
    const defaults = { ...SESSION, limit: { max: 5 } };
    const sessions = tokens.scope(defaults);
    defaults.app = 'mill';
    defaults.limit.max = 1;
    await sessions.create({ owner: 'ann' });
    assert.equal((await sessions.create({ owner: 'ann' })).app, 'shop');
  });

  it('asks for a duration where neither gives one', async () => {
    const sessions = tokens.scope({ app: 'shop', type: 'session' });
    const error = await sessions.create({ owner: 'ann' }).catch((reason: unknown) => reason);
    assert.instanceOf(error, ValidationError);
    assert.deepEqual((error as ValidationError).fields, [{ field: 'duration', problem: 'is missing' }]);
  });

  it('is refused with defaults that are unknown or of the wrong type', () => {
    for (const wrong of [
      { durration: 1 },
      { owner: 'ann' },
      { duration: '60' },
      { limit: 10 },
      { limit: '10' },
      { idle: '60' },
      { hint: 'yes' },
      { tokenPrefix: 'a b' },
      { tokenPrefix: '' },
      { app: 1 },
      { type: null },
    ]) {
      assert.throws(
        () => tokens.scope({ ...SESSION, ...wrong } as unknown as ScopeDefaults),
        ConfigError,
        /scope: /,
      );
    }
  });

  it('rejects, as its door does, what is no input', async () => {
    const sessions = tokens.scope(SESSION);
    for (const input of [undefined, null, 1, 'ann']) {
      const error = await sessions.create(input as never).catch((reason: unknown) => reason);
      assert.instanceOf(error, ValidationError);
      assert.deepEqual(
        (error as ValidationError).fields.map(({ field }) => field),
        ['owner'],
      );
    }
  });
});
