// The near cache: what it answers, what it does not answer any more, and what it never keeps.
import { performance } from 'node:perf_hooks';
import { assert } from 'chai';
import { Cluster, Redis } from 'ioredis';
import { useFakeTimers } from 'sinon';
import { ClosedError, ConfigError, RedisTokens, TokenProducer, ValidationError } from '../../src/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { serverTime } from '../support/time-travel.js';
import { Near, SCOPE, TRACKING } from './near.js';

describe('With the near cache', () => {
  const world = new Near();

  it('a token that was read lately is answered without asking Redis, as Redis would answer', async () => {
    const made = await world.cached({ data: { cart: 7, list: [{ a: 1 }, null], text: 'é' } });
    const near = await world.get(made);
    assert.isTrue(await world.isNear(made));
    assert.equal(JSON.stringify(near), JSON.stringify(await world.get(made, world.other)));
    assert.deepEqual(await world.near.scope(SCOPE).get({ token: made.token }), made);
  });

  it('what is missing, and what was only created, is not kept', async () => {
    const made = await world.near.create({ ...SCOPE, owner: 'ann', duration: 600 });
    assert.isFalse(await world.isNear(made));
    await world.near.delete(made);
    assert.isUndefined(await world.get(made));
    assert.isFalse(await world.isNear(made));
  });

  const changes = {
    delete: (door, { token }) => door.delete({ ...SCOPE, token }),
    deleteAll: (door) => door.deleteAll({ ...SCOPE, owner: 'ann' }),
    'deleteAll but another': (door) => door.deleteAll({ ...SCOPE, owner: 'ann', except: 'another' }),
    consume: (door, { token }) => door.consume({ ...SCOPE, token }),
    deleteById: (door, { id }) => door.deleteById({ ...SCOPE, id, owner: 'ann' }),
    update: (door, { token }) => door.update({ ...SCOPE, token, data: { cart: 8 } }),
    refresh: (door, { token }) => door.refresh({ ...SCOPE, token, duration: 900 }),
  } satisfies Record<string, (door: RedisTokens, made: { id: string; token: string }) => Promise<unknown>>;

  for (const [name, change] of Object.entries(changes)) {
    it(`a ${name} that has resolved is seen by every later get, though its invalidation is still on the way`, async () => {
      const made = await world.cached({ data: { cart: 7 } });
      const others = [await world.cached({ owner: 'bob' }), await world.cached({ owner: 'ann ' })];
      world.way.holdWhere(TRACKING);
      await change(world.near, made);
      assert.deepEqual(await world.get(made), await world.get(made, world.other));
      for (const one of others) assert.isTrue(await world.isNear(one), 'what is not concerned stays');
      world.way.release();
    });

    it(`a ${name} in another process is seen as soon as its invalidation arrives`, async () => {
      const made = await world.cached({ data: { cart: 7 } });
      await change(world.other, made);
      await eventually('it is heard', async () => !(await world.isNear(made)));
      assert.deepEqual(await world.get(made), await world.get(made, world.other));
    });
  }

  for (const operation of ['deleteScope', 'deleteApp'] as const) {
    it(`a ${operation} that has resolved is seen by every later get of whatever it ended, and of nothing else`, async () => {
      const made = [await world.cached({ owner: 'bob' }), await world.cached({ owner: 'ann' })];
      const other = await world.near.create({ app: 'mill', type: 'session', owner: 'ann', duration: 600 });
      world.way.holdWhere(TRACKING);
      await (operation === 'deleteApp'
        ? world.near.deleteApp({ app: SCOPE.app })
        : world.near.deleteScope(SCOPE));
      for (const one of made) assert.isUndefined(await world.get(one));
      assert.deepEqual(await world.near.get(other), other);
      world.way.release();
    });
  }

  it('a token is read by its id for its owner alone, also where it is kept', async () => {
    const { token, ...record } = await world.cached({ owner: 'ann' });
    const { id } = record;
    assert.deepEqual(await world.near.getById({ ...SCOPE, id, owner: 'ann' }), record);
    assert.isTrue(await world.isNear({ ...record, token }));
    assert.isUndefined(await world.near.getById({ ...SCOPE, id, owner: 'bob' }));
    assert.isUndefined(await world.near.getById({ ...SCOPE, id, app: 'mill' }));
  });

  it('a custom token that was revoked elsewhere and is made anew is not answered as it was', async () => {
    const custom = { ...SCOPE, owner: 'ann', duration: 600, customToken: 'voucher' };
    await world.other.create({ ...custom, data: { life: 1 } });
    const input = { ...SCOPE, token: 'voucher' };
    await eventually('it is kept', async () => world.isNear((await world.near.get(input)) as never));
    world.way.holdWhere(TRACKING);
    await world.other.delete(input);
    await world.near.create({ ...custom, data: { life: 2 } });
    assert.deepEqual((await world.near.get(input))?.data, { life: 2 });
    world.way.release();
  });

  const ends = {
    'DEL of a stray hand': (key: string) => world.redis.del(key),
    // Redis looks for such keys by and by; whoever asks for one makes it notice.
    expiry: async (key: string) => {
      await world.redis.pexpire(key, 1);
      await eventually('Redis notices', async () => (await world.redis.exists(key)) === 0);
    },
    'RENAME over it': async (key: string) => {
      await world.redis.set(`{${world.prefix}:0}:stray`, 'x');
      await world.redis.rename(key, `{${world.prefix}:0}:stray`);
    },
  };
  for (const [what, end] of Object.entries(ends)) {
    it(`a token that ends by ${what} is gone`, async () => {
      const made = await world.cached();
      await end(world.key(made));
      await eventually('it is gone', async () => (await world.get(made)) === undefined);
    });
  }

  it('a token is not answered once it has expired by Redis’ time, though nothing tells of it', async () => {
    const made = await world.cached({ duration: 1 });
    world.way.holdWhere(TRACKING); // no invalidation, and no entry is dropped for silence: that takes longer
    let last = 0;
    for (;;) {
      const before = await serverTime(world.redis);
      const found = await world.get(made);
      if (!found) break;
      assert.isBelow(before, made.expiresAt + 5);
      last = before;
    }
    assert.isAbove(last, made.expiresAt - 100, 'it was answered nearly until then');
    world.way.release();
  });

  it('nothing is answered by clocks that have stood still while the machine slept', async () => {
    const made = await world.cached();
    const clock = useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] });
    try {
      assert.isFalse(await world.isNear(made));
    } finally {
      clock.restore();
    }
  });

  it('a token is answered for `ttl` at most', async () => {
    const near = await world.open({ ttl: 200 });
    const made = await world.cached({}, near);
    await eventually('it is asked for again', async () => !(await world.isNear(made, near)));
    const begun = performance.now();
    for (let reads = 0; await world.isNear(made, near); reads++) {
      assert.isBelow(performance.now() - begun, 200 + 50, `read ${reads}`);
    }
    assert.isAbove(performance.now() - begun, 100, 'it was kept for some time');
  });

  it('nothing that a caller does to what it was answered changes what the next is answered', async () => {
    const data = JSON.parse('{"flat":1,"list":[{"deep":[1]}],"map":{"a":{"b":1}},"__proto__":{"c":[1]}}');
    const made = await world.cached({ data });
    const before = JSON.stringify(await world.get(made));
    for (let round = 0; round < 2; round++) {
      const found = (await world.get(made)) as unknown as Record<string, unknown> & { data: typeof data };
      found.data.flat = 2;
      found.data.list[0].deep.push(2);
      found.data.list.push(3);
      found.data.map.a.b = 2;
      Object.getOwnPropertyDescriptor(found.data, '__proto__')?.value.c.push(2);
      found.data.added = true;
      found.expiresAt = 0;
      found.owner = 'eve';
    }
    assert.isTrue(await world.isNear(made));
    assert.equal(JSON.stringify(await world.get(made)), before);
    assert.strictEqual(Object.getPrototypeOf((await world.get(made))?.data), Object.prototype);
  });

  it('a token of one scope is unknown in another, and wrong input is refused as ever', async () => {
    const { token, ...made } = await world.cached();
    assert.isUndefined(await world.near.get({ app: 'mill', type: 'session', token }));
    assert.isUndefined(
      await world.near.get({ app: 'shop\0session', type: '', token }).catch(() => undefined),
    );
    assert.instanceOf(
      await rejection(world.near.get({ ...SCOPE, token, nonsense: 1 } as never)),
      ValidationError,
    );
    assert.instanceOf(await rejection(world.near.get({ ...SCOPE, token: 7 } as never)), ValidationError);
    assert.deepEqual(await world.near.get({ ...made, token }), { ...made, token }, 'a token as it is');
  });

  it('a token that is impossible under the prefix of a read is missing to it, whoever has read it before', async () => {
    const keys = { ...SCOPE, tokenPrefix: 'sk_' };
    await world.other.scope(keys).create({ owner: 'ann', duration: 600, customToken: 'rt_mine' });
    for (let i = 0; i < 3; i++) {
      assert.isDefined(await world.near.scope(keys).get({ token: 'rt_mine' }));
      assert.isUndefined(await world.near.get({ ...SCOPE, token: 'rt_mine' }));
    }
  });

  it('at most `max` tokens are kept, and those that are read stay', async () => {
    const near = await world.open({ max: 10, ttl: 60_000 });
    const made = await Promise.all(Array.from({ length: 30 }, () => world.create()));
    const favourite = await world.cached({}, near);
    for (const one of made) {
      await world.get(one, near);
      assert.isTrue(await world.isNear(favourite, near));
    }
    let kept = 0;
    for (const one of made) if (await world.isNear(one, near)) kept++;
    assert.isAtMost(kept, 10);
  });

  it('shards are heard of, each', async () => {
    const prefix = `${world.prefix}-4`;
    const options = { prefix, shards: 4 };
    const near = await world.open(undefined, options);
    const other = world.opened.add(new RedisTokens(world.way.url, options));
    for (let i = 0; i < 16; i++) {
      const made = await other.create({ ...SCOPE, owner: `owner-${i}`, duration: 600 });
      await eventually('it is kept', () => world.isNear(made, near));
      await other.delete(made);
      await eventually('it is heard', async () => (await world.get(made, near)) === undefined);
    }
  });

  it('with a pepper a token is found as well', async () => {
    const pepper = 'p'.repeat(32);
    const near = await world.open(undefined, { pepper, prefix: `${world.prefix}-p` });
    const made = await near.create({ ...SCOPE, owner: 'ann', duration: 600 });
    await eventually('it is kept', () => world.isNear(made, near));
  });

  it('a caller’s own client stays as it is, and open', async () => {
    const client = new Redis(world.way.url, { maxRetriesPerRequest: null });
    world.opened.later(client, () => client.disconnect());
    await client.ping();
    const listeners = () => client.eventNames().map((name) => [name, client.listenerCount(name)]);
    const settings = async () =>
      / (flags=\w+) .*(redir=-?\d+) (resp=\d)/.exec(String(await client.client('INFO')))?.slice(1);
    const before = [await settings(), listeners()];
    assert.equal(String(before[0]?.[0]), 'flags=N');
    const near = await world.open(undefined, {}, client);
    const made = await world.cached({}, near);
    await world.other.delete(made);
    await eventually('it is heard', async () => (await world.get(made, near)) === undefined);
    assert.deepEqual(await settings(), before[0]);
    await near.close();
    assert.deepEqual(listeners(), before[1]);
    assert.equal(await client.ping(), 'PONG');
  });

  it('a closed one answers nothing, also of what it kept', async () => {
    const made = await world.cached();
    await world.near.close();
    assert.instanceOf(await rejection(world.get(made)), ClosedError);
  });

  it('where Redis lets no invalidations be heard, that is told', async () => {
    await world.redis.call(
      'ACL',
      'SETUSER',
      world.prefix,
      'on',
      '>pw',
      '~*',
      '&*',
      '+@all',
      '-client|tracking',
    );
    try {
      const url = world.way.url.replace('redis://', `redis://${world.prefix}:pw@`);
      const near = world.opened.add(new RedisTokens(url, { prefix: world.prefix, cache: {} }));
      const made = await world.create();
      for (const call of [() => near.ready(), () => world.get(made, near)]) {
        const error = await rejection(call());
        assert.instanceOf(error, ConfigError);
        assert.match(error.message, /"cache" needs CLIENT TRACKING/);
      }
    } finally {
      await world.redis.call('ACL', 'DELUSER', world.prefix);
    }
  });
});

describe('The option `cache`', () => {
  for (const [cache, problem] of [
    [true, /must be an object/],
    [null, /must be an object/],
    [{ max: 0 }, /"max" must be a whole number of records from 1/],
    [{ ttl: 60_001 }, /"ttl" must be a whole number of milliseconds from 1 to 60000/],
    [{ size: 5 }, /unknown option "size"; known are max, ttl/],
  ] as const) {
    it(`can not be ${JSON.stringify(cache)}`, () => {
      assert.throws(() => new RedisTokens(undefined, { cache: cache as never }), ConfigError, problem);
    });
  }

  it('is refused with a Cluster', () => {
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
    assert.throws(() => new RedisTokens(cluster, { cache: {} }), ConfigError, /not supported on a Cluster/);
    cluster.disconnect();
  });

  it('is no option of a producer, nor of a connection', () => {
    assert.throws(() => new TokenProducer(undefined, { cache: {} } as never), ConfigError, /unknown option/);
    assert.throws(() => new RedisTokens({ cache: {} } as never), ConfigError, /option of redis-tokens/);
  });
});
