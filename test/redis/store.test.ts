// What commands come to when Redis does not answer, or the connection is lost on the way.
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { ConfigError, RedisTokens, StoreUnavailableError, TokenSubscriber } from '../../src/index.js';
import { openClient } from '../../src/redis/connection.js';
import { SCRIPTS } from '../../src/redis/scripts.generated.js';
import { Store } from '../../src/redis/store.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Way } from '../support/way.js';

const SCOPE = { app: 'shop', type: 'session' };

describe('A server that has forgotten the scripts', () => {
  const opened = new Opened();

  it('is sent them again, and each change is made once', async () => {
    const { url } = await sharedRedis();
    const tokens = opened.add(new RedisTokens(url, { prefix: freshPrefix() }));
    const flush = () => tokens.client.script('FLUSH');
    const token = { ...SCOPE, token: 'mine' };
    await flush();
    await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' });
    await flush();
    assert.equal((await tokens.update({ ...token, data: { a: 1 } }))?.version, 2);
    await flush();
    assert.equal((await tokens.refresh({ ...token, duration: 90 }))?.version, 3);
    await flush();
    assert.lengthOf(await tokens.list({ ...SCOPE, owner: 'ann' }), 1);
    await flush();
    const many = Array.from({ length: 50 }, () => tokens.create({ ...SCOPE, owner: 'ann', duration: 60 }));
    await Promise.all(many);
    await flush();
    assert.isTrue(await tokens.delete(token));
    await flush();
    assert.equal(await tokens.deleteAll({ ...SCOPE, owner: 'ann' }), 50);
  });

  it('knows each script by the digest that we send', async () => {
    const { url } = await sharedRedis();
    const redis = opened.later(new Redis(url), () => {});
    for (const { sha, lua } of Object.values(SCRIPTS)) assert.equal(await redis.script('LOAD', lua), sha);
    redis.disconnect();
  });
});

describe('A server that hangs', () => {
  const opened = new Opened();
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  afterEach(() => server.kill('SIGCONT'));

  /** How an operation fails, and how long that took. */
  async function failure(
    call: () => Promise<unknown>,
  ): Promise<{ error: StoreUnavailableError; ms: number }> {
    const begun = performance.now();
    const error = await rejection<StoreUnavailableError>(call());
    assert.instanceOf(error, StoreUnavailableError);
    return { error, ms: performance.now() - begun };
  }

  const operations = (tokens: RedisTokens) => {
    const token = { ...SCOPE, token: 'mine' };
    return {
      create: () => tokens.create({ ...SCOPE, owner: 'ann', duration: 60 }),
      get: () => tokens.get(token),
      update: () => tokens.update({ ...token, data: { a: 1 } }),
      refresh: () => tokens.refresh({ ...token, duration: 60 }),
      delete: () => tokens.delete(token),
      deleteAll: () => tokens.deleteAll({ ...SCOPE, owner: 'ann' }),
      list: () => tokens.list({ ...SCOPE, owner: 'ann' }),
    };
  };
  const changes = (name: string) => name !== 'get' && name !== 'list';

  it('makes operations reject within the time-out; of a change nobody knows, of a read nothing came', async () => {
    const tokens = opened.add(new RedisTokens(server.url, { prefix: freshPrefix(), timeout: 250 }));
    await tokens.ready();
    server.kill('SIGSTOP');
    const failures: Promise<{ name: string; error: StoreUnavailableError; ms: number }>[] = [];
    for (const [name, call] of Object.entries(operations(tokens))) {
      failures.push(failure(call).then((told) => ({ name, ...told })));
      await turn(); // in a tick of its own: none waits for another
    }
    for (const { name, error, ms } of await Promise.all(failures)) {
      assert.isBelow(ms, 500, name);
      assert.equal(error.outcome, changes(name) ? 'unknown' : 'none', name);
    }
    server.kill('SIGCONT');
    await eventually('it answers again', () =>
      tokens.get({ ...SCOPE, token: 'mine' }).then(
        () => true,
        () => false,
      ),
    );
  });

  it('before it was ever reached makes them reject with nothing done', async () => {
    server.kill('SIGSTOP');
    const tokens = new RedisTokens(server.url, { prefix: freshPrefix(), timeout: 250 });
    for (const [name, call] of Object.entries(operations(tokens))) {
      const { error, ms } = await failure(call);
      assert.equal(error.outcome, 'none', name);
      assert.isBelow(ms, 500, name);
    }
    const begun = performance.now();
    await tokens.close();
    assert.isBelow(performance.now() - begun, 500, 'closes at once');
  });

  it('does not apply a change later whose time was up', async () => {
    const prefix = freshPrefix();
    const tokens = opened.add(new RedisTokens(server.url, { prefix, timeout: 250 }));
    const redis = new Redis(server.url);
    opened.later(redis, () => redis.disconnect());
    const runs = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
    const create = (customToken: string) =>
      tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken });
    const { id } = await create('first'); // from now on the server knows the script
    const before = await runs();
    server.kill('SIGSTOP');
    const { error } = await failure(() => create('mine'));
    assert.equal(error.outcome, 'unknown');
    await wait(50); // more than the error of the reckoned clock
    server.kill('SIGCONT');
    // It stands in the server's buffer: the script runs, and changes nothing.
    await eventually('the script has run', async () => (await runs()) > before);
    assert.deepEqual(await redis.keys(`{${prefix}:*}:t:*`), [`{${prefix}:0}:t:${id}`]);
  });

  it('can be closed on', async () => {
    const store = new Store(server.url, 250);
    await store.connected();
    server.kill('SIGSTOP');
    const begun = performance.now();
    await store.close();
    assert.isBelow(performance.now() - begun, 1_500);
  });
});

describe('A connection that is lost', () => {
  const opened = new Opened();

  /** A way to Redis, and all that is sent on it. */
  async function way() {
    const path = opened.add(await Way.open((await sharedRedis()).url));
    const sent: string[] = [];
    path.onSent = (text) => sent.push(text);
    return { path, sent: () => sent.join('') };
  }

  it('makes a change under way reject at once, as one of which nobody knows, and it is not sent again', async () => {
    const { path, sent } = await way();
    const prefix = freshPrefix();
    const tokens = opened.add(new RedisTokens(path.url, { prefix }));
    await tokens.ready();
    await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' });
    path.deafen();
    const begun = performance.now();
    const change = rejection<StoreUnavailableError>(
      tokens.update({ ...SCOPE, token: 'mine', data: { n: 1 } }),
    );
    await eventually('it is sent', () => sent().includes(SCRIPTS.update.sha));
    path.cut();
    const error = await change;
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'unknown');
    assert.isBelow(performance.now() - begun, 1_000);
    const found = await tokens.get({ ...SCOPE, token: 'mine' });
    assert.isAtMost(found?.version ?? 0, 2, 'it ran once at most');
    assert.equal(sent().split(SCRIPTS.update.sha).length - 1, 1);
  });

  it('makes a read under way be sent again, once it is back', async () => {
    const { path, sent } = await way();
    const tokens = opened.add(new RedisTokens(path.url, { prefix: freshPrefix() }));
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    path.deafen();
    const reads = [
      tokens.get({ ...SCOPE, token }),
      ...Array.from({ length: 10 }, () => tokens.get({ ...SCOPE, token })),
    ];
    const list = tokens.list({ ...SCOPE, owner: 'ann' });
    await eventually('it is sent', () => sent().includes('mget'));
    path.cut();
    for (const found of await Promise.all(reads)) assert.equal(found?.owner, 'ann');
    assert.lengthOf(await list, 1);
  });

  it('is waited for by an operation that begins meanwhile', async () => {
    const { path } = await way();
    const tokens = opened.add(new RedisTokens(path.url, { prefix: freshPrefix() }));
    await tokens.ready();
    path.cut();
    const lists = Array.from({ length: 30 }, () => tokens.list({ ...SCOPE, owner: 'ann' }));
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      for (const list of await Promise.all(lists)) assert.deepEqual(list, []);
    } finally {
      process.off('warning', onWarning);
    }
    assert.deepEqual(warnings, [], 'nothing is printed');
  });

  it('without a word is given up after the time-out, and operations work again on another', async () => {
    const path = opened.add(await Way.open((await sharedRedis()).url));
    const tokens = opened.add(new RedisTokens(path.url, { prefix: freshPrefix(), timeout: 300 }));
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    path.strand();
    const begun = performance.now();
    const error = await rejection(tokens.update({ ...SCOPE, token, data: { a: 1 } }));
    assert.instanceOf(error, StoreUnavailableError);
    assert.isBelow(performance.now() - begun, 600);
    const found = await eventually(
      'it works again',
      () => tokens.get({ ...SCOPE, token }).catch(() => undefined),
      1_500,
    );
    assert.equal(found.version, 1);
    assert.equal((await tokens.update({ ...SCOPE, token, data: { a: 1 } }))?.version, 2);
  });

  it('makes what is sent again count as unknown, though it is refused then', async () => {
    const { path } = await way();
    const store = opened.add(new Store(path.url, 2_000));
    await store.connected();
    let times = 0;
    const send = () => {
      if (++times > 1) return Promise.reject(new Error('OOM command not allowed'));
      path.cut();
      return new Promise(() => {}); // nobody knows whether it arrived
    };
    const error = await rejection<StoreUnavailableError>(store.repeat(send, 'unknown'));
    assert.equal(times, 2);
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'unknown');
  });

  it('of ours is not opened again by a call after close', async () => {
    const { url } = await sharedRedis();
    const store = new Store(url, 500);
    await store.connected();
    await store.close();
    const error = await rejection<StoreUnavailableError>(store.read((client) => client.ping()));
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'none');
    await eventually('it has ended', () => store.client.status === 'end');
  });
});

describe('A server whose memory is full', () => {
  const opened = new Opened();
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ args: ['--maxmemory-policy', 'noeviction'], log: () => {} });
  });
  after(() => server.stop());

  it('still reads and revokes, also for who comes anew or comes back, and lets subscribers start', async () => {
    const prefix = freshPrefix();
    const redis = new Redis(server.url);
    opened.later(redis, () => redis.disconnect());
    const tokens = opened.add(new RedisTokens(server.url, { prefix }));
    const make = (owner: string) => tokens.create({ ...SCOPE, owner, duration: 60 });
    const made = [await make('ann'), await make('ann'), await make('bob'), await make('bob')];
    await redis.config('SET', 'maxmemory', '6mb');
    const full = async () => {
      for (let i = 0; ; i++) await redis.set(`filler-${i}`, 'x'.repeat(100_000));
    };
    assert.match((await rejection(full())).message, /^OOM/);
    await redis.config('SET', 'maxmemory', '5mb'); // so that no freed connection makes room

    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const anew = opened.add(new RedisTokens(server.url, { prefix }));
    for (const [i, one] of [tokens, anew].entries()) {
      const [first, second] = made.slice(2 * i) as [(typeof made)[0], (typeof made)[0]];
      assert.equal((await one.get({ ...SCOPE, token: first.token }))?.owner, first.owner);
      assert.isTrue(await one.delete({ ...SCOPE, token: first.token }));
      assert.equal(await one.deleteAll({ ...SCOPE, owner: second.owner }), 1);
      assert.isUndefined(await one.get({ ...SCOPE, token: second.token }));
      const error = await rejection<StoreUnavailableError>(
        one.create({ ...SCOPE, owner: 'ann', duration: 60 }),
      );
      assert.instanceOf(error, StoreUnavailableError);
      assert.equal(error.outcome, 'none');
    }
    const subscriber = opened.add(new TokenSubscriber(server.url, { prefix }));
    await subscriber.start();
    assert.isTrue(subscriber.connected);
    const fresh = opened.add(new RedisTokens(server.url, { prefix: freshPrefix() }));
    assert.isUndefined(await fresh.get({ ...SCOPE, token: 'x' }), 'of a deployment that is new, too');
  });
});

describe('A caller’s own client', () => {
  const opened = new Opened();

  it('is used as it is: not closed, not changed, nothing left on it', async () => {
    const { url } = await sharedRedis();
    const client = new Redis(url, { maxRetriesPerRequest: 2, lazyConnect: true });
    opened.later(client, () => client.disconnect());
    const settings = { ...client.options };
    const tokens = new RedisTokens(client, { prefix: freshPrefix() });
    assert.strictEqual(tokens.client, client);
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.equal((await tokens.get({ ...SCOPE, token }))?.owner, 'ann');
    await tokens.close();
    assert.equal(client.status, 'ready');
    assert.equal(await client.ping(), 'PONG');
    assert.deepEqual(client.options, settings);
    for (const name of ['ready', 'close', 'error', 'end']) assert.equal(client.listenerCount(name), 0, name);
  });

  it('that shows replies in the new shapes is duplicated in those that are read here', async () => {
    const { url } = await sharedRedis();
    const client = openClient(url) as Redis;
    opened.later(client, () => client.disconnect());
    await client.ping();
    assert.equal(client.options.replyMapping, 'legacy');
  });

  it('that can not connect makes operations reject within their time-out', async () => {
    const client = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: null, lazyConnect: true });
    client.on('error', () => {});
    opened.later(client, () => client.disconnect());
    const tokens = opened.add(new RedisTokens(client, { prefix: freshPrefix(), timeout: 200 }));
    const begun = performance.now();
    const error = await rejection(tokens.get({ ...SCOPE, token: 'x' }));
    assert.instanceOf(error, StoreUnavailableError);
    assert.isBelow(performance.now() - begun, 600);
  });
});

describe('A deployment', () => {
  const opened = new Opened();
  const open = async (prefix: string, options: object) =>
    opened.add(new RedisTokens((await sharedRedis()).url, { prefix, ...options }));

  it('is fixed by its first process, and refuses another that differs, by ready() or by its first operation', async () => {
    const prefix = freshPrefix();
    await (await open(prefix, { shards: 4, maxCommandAge: 60_000 })).ready();
    await (
      await open(prefix, { shards: 4, maxCommandAge: 60_000, timeout: 1_000, tokenPrefix: 'x_' })
    ).ready();
    for (const [options, hint] of [
      [{ shards: 2, maxCommandAge: 60_000 }, /shards is 4 in this deployment, but 2 here/],
      [{ shards: 4 }, /maxCommandAge is 60000 in this deployment, but 900000 here/],
    ] as const) {
      const other = await open(prefix, options);
      for (const call of [
        () => other.ready(),
        () => other.get({ ...SCOPE, token: 'x' }),
        () => other.create({ ...SCOPE, owner: 'ann', duration: 60 }),
        () => other.deleteAll({ ...SCOPE, owner: 'ann' }),
      ]) {
        const error = await rejection(call());
        assert.instanceOf(error, ConfigError);
        assert.match(error.message, hint);
      }
    }
  });

  it('refuses all that another process asks for at once, and again and again', async () => {
    const prefix = freshPrefix();
    await (await open(prefix, {})).ready();
    const others = [
      await open(prefix, { shards: 2 }),
      await open(prefix, { maxCommandAge: 60_000 }),
      await open(prefix, { pepper: 'a pepper that nobody else has been given' }),
    ];
    const ask = async (other: RedisTokens) => {
      for (let i = 0; i < 30; i++) {
        assert.instanceOf(
          await rejection(other.create({ ...SCOPE, owner: 'ann', duration: 60 })),
          ConfigError,
        );
        await wait(1);
      }
    };
    await Promise.all(others.flatMap((other) => Array.from({ length: 6 }, () => ask(other))));
    const { client } = others[0] as RedisTokens;
    assert.deepEqual(await client.keys(`{${prefix}:*`), []);
  });

  it('that is repaired is taken by the same object', async () => {
    const prefix = freshPrefix();
    const tokens = await open(prefix, { shards: 2 });
    const key = `{${prefix}}:meta`;
    await tokens.client.hset(key, 'shards', '8');
    assert.instanceOf(await rejection(tokens.ready()), ConfigError);
    await tokens.client.hset(key, 'shards', '2');
    await tokens.ready();
    assert.deepEqual(await tokens.client.hgetall(key), {
      ...{ layout: '1', shards: '2', maxCommandAge: '900000' },
      ...{ pepper: 'none=none', 'pepper:none': 'none' },
    });
  });

  it('of another layout is refused', async () => {
    const prefix = freshPrefix();
    const tokens = await open(prefix, {});
    await tokens.client.hset(`{${prefix}}:meta`, 'layout', '2');
    assert.match((await rejection(tokens.ready())).message, /layout is 2 in this deployment, but 1 here/);
  });
});

describe('A server that was replaced', () => {
  const opened = new Opened();

  it('by one of another deployment on its port is refused by the next operation, and nothing is written', async () => {
    const first = await startRedisServer({ log: () => {} });
    opened.later(first, () => first.stop());
    const prefix = freshPrefix();
    const tokens = opened.add(new RedisTokens(first.url, { prefix, timeout: 4_000 }));
    const create = () => tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    await create();
    await first.stop();
    const { port } = first;
    const second = await startRedisServer({ port, log: () => {} });
    opened.later(second, () => second.stop());
    const redis = new Redis(second.url);
    opened.later(redis, () => redis.disconnect());
    // The process may already be connected again; it asks before the next operation.
    const meta = `{${prefix}}:meta`;
    await redis.hset(meta, { layout: 1, shards: 4, maxCommandAge: 900_000 });
    for (let i = 0; i < 2; i++) assert.instanceOf(await rejection(create()), ConfigError);
    assert.deepEqual(await redis.keys('*'), [meta]);
  });
});

describe('A change of very many keys', () => {
  const opened = new Opened();

  it('is made', async () => {
    const { url } = await sharedRedis();
    const tokens = opened.add(new RedisTokens(url, { prefix: freshPrefix(), maxDataBytes: 4 * 2 ** 20 }));
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, data: { k0: 'old' } });
    const data = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
    const updated = await tokens.update({ ...SCOPE, token, data });
    assert.equal(updated?.version, 2);
    assert.deepEqual(updated?.data, data);
  });
});

describe('Many reads of one tick', () => {
  const opened = new Opened();

  it('answer each what it would be answered alone', async () => {
    const { url } = await sharedRedis();
    const prefix = freshPrefix();
    const tokens = opened.add(new RedisTokens(url, { prefix, shards: 4 }));
    const made = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        tokens.create({ ...SCOPE, owner: `o${i}`, duration: 60, data: { i } }),
      ),
    );
    const wanted = Array.from({ length: 1_000 }, (_, i) =>
      i % 3 === 0 ? `nobody-${i}` : (made[(i * 7) % made.length]?.token as string),
    );
    const alone: unknown[] = [];
    for (const token of wanted) alone.push(await tokens.get({ ...SCOPE, token }));
    const before = await calls(tokens.client);
    assert.deepEqual(
      (await Promise.all(wanted.map((token) => tokens.get({ ...SCOPE, token })))) as unknown[],
      alone,
    );
    const after = await calls(tokens.client);
    assert.equal(after.get - before.get, 0);
    assert.isAtMost(after.mget - before.mget, 8);
    assert.isAtLeast(after.mget - before.mget, 4);
    assert.isUndefined(await tokens.get({ app: 'mill', type: 'session', token: made[0]?.token as string }));
  });

  it('are gathered by shard from four on', async () => {
    const { url } = await sharedRedis();
    const tokens = opened.add(new RedisTokens(url, { prefix: freshPrefix() }));
    await tokens.ready();
    for (const [count, gets, mgets] of [
      [1, 1, 0],
      [3, 3, 0],
      [4, 0, 1],
      [256, 0, 1],
      [300, 0, 2],
    ] as const) {
      const before = await calls(tokens.client);
      await Promise.all(Array.from({ length: count }, (_, i) => tokens.get({ ...SCOPE, token: `t${i}` })));
      const after = await calls(tokens.client);
      assert.deepEqual([after.get - before.get, after.mget - before.mget], [gets, mgets], `${count} reads`);
    }
  });

  it('all reject where Redis can not be reached', async () => {
    const tokens = opened.add(new RedisTokens('redis://127.0.0.1:1', { timeout: 150 }));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => tokens.get({ ...SCOPE, token: `t${i}` })),
    );
    for (const outcome of outcomes) {
      assert.instanceOf((outcome as PromiseRejectedResult).reason, StoreUnavailableError);
    }
  });
});

/** How often Redis has run commands. */
async function calls(redis: Redis): Promise<{ get: number; mget: number }> {
  const stats = await redis.info('commandstats');
  const of = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return { get: of('get'), mget: of('mget') };
}
