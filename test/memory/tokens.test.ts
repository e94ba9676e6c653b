// MemoryTokens, as an application's tests use it through `redis-tokens/testing`.
import { inspect } from 'node:util';
import { assert } from 'chai';
import sinon from 'sinon';
import { MemoryTokenRepository, MemoryTokens } from '../../src/memory/index.js';
import { ClosedError, ConfigError, TokenExistsError, ValidationError } from '../../src/tokens/errors.js';
import { generateToken } from '../../src/tokens/secret.js';

const SESSION = { app: 'shop', type: 'session' };
const create = { ...SESSION, owner: 'ann', duration: 60 };

describe('MemoryTokens', () => {
  afterEach(() => sinon.restore());

  it('creates, reads, updates, refreshes and deletes', async () => {
    const tokens = new MemoryTokens();
    const created = await tokens.create({ ...create, data: { name: 'Ann', u: undefined } });
    assert.deepEqual<object>(created.data, { name: 'Ann' });
    assert.match(created.token, /^rt_[0-9A-Za-z]{49}$/);
    const input = { ...SESSION, token: created.token };
    assert.deepEqual(await tokens.get(input), created);
    const updated = await tokens.update({ ...input, data: { name: null, age: 30 } });
    assert.deepEqual<object | undefined>(updated, { ...created, data: { age: 30 }, version: 2 });
    const refreshed = await tokens.refresh({ ...input, duration: 600 });
    assert.equal(refreshed?.token, created.token);
    assert.isTrue(await tokens.delete(input));
    assert.isFalse(await tokens.delete(input));
    assert.isUndefined(await tokens.get(input));
  });

  it('revokes all that an owner has, and lets the owner log in again at once', async () => {
    const tokens = new MemoryTokens();
    for (let i = 0; i < 3; i++) await tokens.create(create);
    assert.equal(await tokens.deleteAll({ ...SESSION, owner: 'ann' }), 3);
    const { token } = await tokens.create(create);
    assert.isDefined(await tokens.get({ ...SESSION, token }));
  });

  it('lists records without secrets', async () => {
    const tokens = new MemoryTokens();
    const { token, ...record } = await tokens.create(create);
    assert.deepEqual(await tokens.list({ ...SESSION, owner: 'ann' }), [record]);
    assert.isDefined(token);
  });

  it('lets time pass', async () => {
    const tokens = new MemoryTokens();
    const { token } = await tokens.create(create);
    tokens.advance(59.5);
    assert.isDefined(await tokens.get({ ...SESSION, token }));
    tokens.advance(1);
    assert.isUndefined(await tokens.get({ ...SESSION, token }));
    const later = await tokens.create(create);
    assert.approximately(later.createdAt, Date.now() + 60_500, 2_000);
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
      assert.throws(() => tokens.advance(seconds as number), ValidationError);
    }
  });

  it('goes along with the fake timers of a test, and rises while they stand still', async () => {
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    const tokens = new MemoryTokens();
    const { token } = await tokens.create(create);
    let last = tokens.repository.now();
    for (let i = 0; i < 5_000; i++) {
      const now = tokens.repository.now();
      assert.isTrue(Number.isSafeInteger(now) && now > last);
      last = now;
    }
    for (let i = 0; i < 100; i++) {
      await tokens.deleteAll({ ...SESSION, owner: 'bob' });
      await tokens.create({ ...create, owner: 'bob' });
    }
    clock.tick(59_000);
    assert.isDefined(await tokens.get({ ...SESSION, token }));
    clock.tick(2_000);
    assert.isUndefined(await tokens.get({ ...SESSION, token }));
  });

  it('tells of everything that happened', async () => {
    const tokens = new MemoryTokens();
    const { id, token } = await tokens.create(create);
    await tokens.delete({ ...SESSION, token });
    await tokens.create({ ...create, duration: 1 });
    tokens.advance(2);
    await tokens.list({ ...SESSION, owner: 'ann' });
    assert.deepEqual(
      tokens.events.map(({ type }) => type),
      ['token-created', 'token-revoked', 'token-created', 'token-expired'],
    );
    assert.equal(tokens.events[1]?.subject, id);
    assert.equal(tokens.events[1]?.data.reason, 'deleted');
    assert.notInclude(inspect(tokens.events, { depth: 9 }), token);
  });

  it('keeps no secret', async () => {
    const tokens = new MemoryTokens();
    const { token } = await tokens.create(create);
    await tokens.create({ ...create, customToken: 'a code of the caller' });
    const kept = inspect([tokens, tokens.repository.indexed], { depth: 20, showHidden: true });
    assert.notInclude(kept, token);
    assert.notInclude(kept, 'a code of the caller');
  });

  it('refuses a custom token that is alive, and takes generated ones as custom', async () => {
    const tokens = new MemoryTokens();
    const customToken = generateToken();
    const created = await tokens.create({ ...create, customToken });
    assert.equal(created.token, customToken);
    const error = await tokens.create({ ...create, customToken }).catch((reason: unknown) => reason);
    assert.instanceOf(error, TokenExistsError);
  });

  it('refuses options that are unknown or wrong', () => {
    assert.throws(
      () => new MemoryTokens({ prefx: 'x' } as never),
      ConfigError,
      'MemoryTokens: unknown option',
    );
    assert.throws(() => new MemoryTokens({ shards: 3 }), ConfigError);
    assert.throws(() => new MemoryTokenRepository({ maxDataBytes: 0 }), ConfigError);
  });

  it('takes the options of every door', async () => {
    const options = {
      maxDataBytes: 20,
      tokenPrefix: 'shop_',
      pepper: 'p'.repeat(32),
      shards: 16,
      prefix: 'x',
      timeout: 9_000,
    };
    const tokens = new MemoryTokens(options);
    const { token, id } = await tokens.create({ ...create, data: { a: 'x' } });
    assert.isTrue(token.startsWith('shop_'));
    assert.notEqual(new MemoryTokens().idOf({ ...SESSION, token }), id);
    const update = tokens.update({ ...SESSION, token, data: { b: 'xxxxxx' } });
    assert.instanceOf(await update.catch((reason: unknown) => reason), ValidationError);
    assert.deepEqual((await tokens.get({ ...SESSION, token }))?.data, { a: 'x' });
  });

  it('is of no use once closed, and may be closed twice', async () => {
    const tokens = new MemoryTokens();
    await tokens.ready();
    await tokens.close();
    await tokens.close();
    await tokens[Symbol.asyncDispose]();
    assert.instanceOf(await tokens.create(create).catch((reason: unknown) => reason), ClosedError);
    assert.instanceOf(await tokens.ready().catch((reason: unknown) => reason), ClosedError);
  });
});
