// Changes that start in one tick: as few scripts as may be, and what becomes of each when something is wrong.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand } from '../../src/tokens/commands.js';
import { CommandFailedError, StoreUnavailableError } from '../../src/tokens/errors.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { eventually } from '../support/eventually.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const SCOPE = { app: 'shop', type: 'session' };
const newId = () => randomBytes(18).toString('base64url').slice(0, 22);

interface Sent {
  script: string;
  keys: readonly string[];
}

async function open(url: string, shards = 1) {
  const prefix = freshPrefix();
  const options = resolveTokenOptions({ prefix, shards });
  const sent: Sent[] = [];
  const store = new Store(url, options.timeout);
  const change = store.change.bind(store);
  store.change = (script, keys, args) => {
    sent.push({ script, keys });
    return change(script, keys, args);
  };
  const repository = new RedisTokenRepository(store, options);
  await repository.ready();
  const issue = () => ({ ...SCOPE, issuedAt: repository.now() });
  const attempt = () => ({ until: repository.now() + 5_000_000 });
  return {
    ...{ prefix, sent, repository, client: store.client },
    create: (id: string, data: object = {}, owner = 'ann') =>
      repository.create(
        buildCommand('create', { ...issue(), id, owner, data, duration: 60, custom: true }),
        attempt(),
      ),
    refresh: (id: string) =>
      repository.refresh(buildCommand('refresh', { ...issue(), id, duration: 600 }), attempt()),
    delete: (id: string) => repository.delete(buildCommand('delete', { ...issue(), id }), attempt()),
    get: (id: string) => repository.get(buildCommand('get', { ...issue(), id })),
  };
}

describe('Changes that start in one tick', () => {
  let tokens: Awaited<ReturnType<typeof open>>;
  let redis: Redis;

  beforeEach(async () => {
    const { url } = await sharedRedis();
    redis = new Redis(url);
    tokens = await open(url);
  });
  afterEach(async () => {
    await tokens.repository.close();
    await redis.quit();
  });

  const scripts = () => tokens.sent.map(({ script }) => script);

  it('are one script for each hundred, and one alone is its own', async () => {
    await Promise.all(Array.from({ length: 201 }, () => tokens.create(newId())));
    assert.deepEqual(scripts(), ['changes', 'changes', 'create']);
  });

  it('are sent in their order, whatever they are', async () => {
    const id = newId();
    const found = await Promise.all([
      tokens.create(id),
      tokens.refresh(id),
      tokens.delete(id),
      tokens.delete(id),
      tokens.refresh(id),
    ]);
    assert.deepEqual(scripts(), ['changes', 'revocations', 'refresh']);
    assert.deepEqual(
      found.map((answer) => (typeof answer === 'object' ? answer.version : answer)),
      [1, 2, true, false, undefined],
    );
  });

  it('are one script for each shard', async () => {
    const sharded = await open((await sharedRedis()).url, 4);
    await Promise.all(Array.from({ length: 200 }, () => sharded.create(newId())));
    const shards = sharded.sent.map(({ keys }) => new Set(keys.map((key) => key.slice(0, key.indexOf('}')))));
    await sharded.repository.close();
    assert.lengthOf(shards, 4);
    for (const shard of shards) assert.equal(shard.size, 1);
  });

  it('are more scripts where they are large', async () => {
    await Promise.all(Array.from({ length: 40 }, () => tokens.create(newId(), { text: 'x'.repeat(60_000) })));
    assert.isAbove(tokens.sent.length, 2);
    assert.isBelow(tokens.sent.length, 6);
  });

  it('name what they have in common once', async () => {
    await Promise.all(Array.from({ length: 100 }, () => tokens.create(newId())));
    const [{ keys }] = tokens.sent as [Sent];
    assert.lengthOf(keys, 8 + 100); // all of the first, and the record of each
  });

  it('go on behind one that finds a key of another type', async () => {
    const wrong = newId();
    await redis.rpush(`{${tokens.prefix}:0}:t:${wrong}`, 'a list');
    const [first, failure, last] = await Promise.all([
      tokens.create(newId()),
      tokens.create(wrong).catch((error: unknown) => error),
      tokens.create(newId()),
    ]);
    assert.equal(first.version, 1);
    assert.instanceOf(failure, CommandFailedError);
    assert.match((failure as Error).message, /WRONGTYPE/);
    assert.equal(last.version, 1);
  });

  it('are made although Redis has forgotten the script', async () => {
    const create = () => Promise.all([tokens.create(newId()), tokens.create(newId())]);
    await create();
    await redis.script('FLUSH');
    assert.lengthOf(await create(), 2);
  });

  it('leave no call pending where their connection is lost', async () => {
    const connection = await tokens.client.client('ID');
    await redis.client('PAUSE', 200, 'WRITE');
    const calls = Array.from({ length: 20 }, () => tokens.create(newId()).catch((error: unknown) => error));
    await eventually('they are sent', () => tokens.sent.length > 0);
    await redis.client('KILL', 'ID', connection);
    for (const outcome of await Promise.all(calls)) {
      assert.instanceOf(outcome, StoreUnavailableError);
      assert.equal((outcome as StoreUnavailableError).outcome, 'unknown');
    }
  });
});

describe('Changes that start in one tick while the memory is full', () => {
  it('are refused if they grow, and made if they revoke', async () => {
    const server = await startRedisServer({ args: ['--maxmemory-policy', 'noeviction'], log: () => {} });
    const redis = new Redis(server.url);
    const tokens = await open(server.url);
    try {
      const ids = Array.from({ length: 50 }, newId);
      await Promise.all(ids.map((id) => tokens.create(id)));
      await redis.config('SET', 'maxmemory', '1mb');
      const refusals = await Promise.all(
        ids.map(() => tokens.create(newId()).catch((error: unknown) => error)),
      );
      for (const refusal of refusals) {
        assert.instanceOf(refusal, StoreUnavailableError);
        assert.equal((refusal as StoreUnavailableError).outcome, 'none');
      }
      assert.deepEqual(
        await Promise.all(ids.map((id) => tokens.delete(id))),
        ids.map(() => true),
      );
      assert.include(
        tokens.sent.map(({ script }) => script),
        'revocations',
      );
    } finally {
      await tokens.repository.close();
      await redis.quit();
      await server.stop();
    }
  });
});
