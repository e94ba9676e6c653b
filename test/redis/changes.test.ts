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
  store.change = (script, keys, args, begun) => {
    sent.push({ script, keys });
    return change(script, keys, args, begun);
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
    update: (id: string, data: object) =>
      repository.update(buildCommand('update', { ...issue(), id, data }), attempt()),
    /** By one that was issued so long ago that its life is over. */
    endByRefresh: (id: string) => {
      const command = { ...SCOPE, issuedAt: repository.now() - 3_000, id, duration: 0.000_001 };
      const job = { queue: 'commands', id, issuedAt: 1 };
      return repository.refresh(buildCommand('refresh', command), { ...attempt(), job, commandId: 'c' });
    },
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

  it('keep their order where Redis knows some of the scripts, and not others', async () => {
    const ids = Array.from({ length: 101 }, newId) as [string, string, ...string[]];
    await Promise.all(ids.map((id) => tokens.create(id)));
    for (const known of ['refresh', 'delete']) {
      await redis.script('FLUSH');
      if (known === 'refresh') await tokens.refresh(ids[0]);
      else await tokens.delete(newId());
      const answers = [
        tokens.refresh(ids[0]),
        tokens.refresh(ids[0]),
        ...ids.slice(2, 100).map((id) => tokens.refresh(id)),
        tokens.refresh(ids[0]),
        tokens.delete(ids[1]),
        tokens.create(ids[1]).catch((error: unknown) => error),
      ];
      const [first, second, ...rest] = (await Promise.all(answers)) as { version: number }[];
      const last = rest.at(-3);
      assert.deepEqual(
        [second?.version, last?.version],
        [(first?.version ?? 0) + 1, (first?.version ?? 0) + 2],
        known,
      );
      assert.isTrue(rest.at(-2));
      await tokens.create(ids[1]);
    }
  });

  it('let others in between where each takes long, and keep their order', async () => {
    const data = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`key-${i}`, i]));
    const ids = Array.from({ length: 20 }, newId) as [string, string, ...string[]];
    await Promise.all(ids.map((id) => tokens.create(id, data)));
    tokens.sent.length = 0;
    const updates = [...ids, ...ids].map((id, i) => tokens.update(id, { 'key-0': `new ${i}` }));
    const versions = (await Promise.all(updates)).map((found) => found?.version);
    assert.deepEqual(versions, [...ids.map(() => 2), ...ids.map(() => 3)]);
    assert.equal((await tokens.get(ids[0]))?.data['key-0'], 'new 20');
    assert.isAbove(tokens.sent.length, 3);
  });

  it('tell an error of one as it would be told alone', async () => {
    const broken = [newId(), newId()] as const;
    for (const id of broken) await redis.hset(`{${tokens.prefix}:0}:t:${id}`, 'owner', 'ann');
    const alone = await tokens.refresh(broken[0]).catch((error: unknown) => error);
    const [together] = await Promise.all(
      broken.map((id) => tokens.refresh(id).catch((error: unknown) => error)),
    );
    for (const error of [alone, together]) {
      assert.instanceOf(error, CommandFailedError);
      assert.match((error as Error).message, /^Redis answers: WRONGTYPE /);
    }
    await redis.set(`{${tokens.prefix}:0}:t:${broken[0]}`, '["shop","session","ann');
    const read = await tokens.get(broken[0]).catch((error: unknown) => error);
    assert.instanceOf(read, CommandFailedError);
    assert.notInclude((read as Error).message, 'ann');
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
      // What one frees is not for the others, which would be refused without it.
      const [ended, ...others] = await Promise.all([
        tokens.endByRefresh(ids.pop() as string),
        ...Array.from({ length: 9 }, () => tokens.create(newId()).catch((error: unknown) => error)),
      ]);
      assert.isUndefined(ended);
      for (const other of others) assert.instanceOf(other, StoreUnavailableError);
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
