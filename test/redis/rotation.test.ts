// What a rotation leaves in Redis, and for how long; and readers who can not tell that a token was used again.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { useFakeTimers } from 'sinon';
import { RedisTokens, type Token, type TokenOperations, ValidationError } from '../../src/index.js';
import { MemoryTokens } from '../../src/memory/index.js';
import { buildCommand } from '../../src/tokens/commands.js';
import { shardOf } from '../../src/tokens/identity.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually, rejection } from '../support/eventually.js';
import { moveIntoPast } from '../support/time-travel.js';
import { Way } from '../support/way.js';
import { SCOPE as NEAR_SCOPE, Near, TRACKING } from './near.js';

describe('A rotation', () => {
  const stage = new Stage();
  let tokens: RedisTokens;
  beforeEach(() => {
    tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix }));
  });

  const create = (door: TokenOperations = tokens) => door.create({ ...SCOPE, owner: 'ann', duration: 60 });
  const keysLike = (glob: string) => stage.redis.keys(`{${stage.prefix}:*}:${glob}`);
  const rotate = async (token: string, more: object = {}) =>
    (await tokens.rotate({ ...SCOPE, token, ...more })) as Token;

  it('keeps what the successor follows from until the grace is over, and no longer', async () => {
    const made = await create();
    await rotate(made.token, { grace: 1.5 });
    const key = `{${stage.prefix}:0}:nonce:${made.id}`;
    assert.match((await stage.redis.get(key)) ?? '', /^[\w-]{43}$/);
    assert.isAtMost(await stage.redis.pttl(key), 1_500);
    assert.notInclude((await stage.redis.get(`{${stage.prefix}:0}:t:${made.id}`)) ?? '', 'nonce');
    await moveIntoPast(stage.redis, stage.prefix, 1_500);
    assert.deepEqual(await keysLike('nonce:*'), []);
  });

  it('without a grace keeps nothing that the successor follows from', async () => {
    await rotate((await create()).token);
    assert.deepEqual(await keysLike('nonce:*'), []);
  });

  it('leaves markers that outlive the family, and go after it', async () => {
    const first = await create();
    const second = await rotate(first.token);
    const third = await rotate(second.token, { duration: 4_000 });
    const refreshed = await tokens.refresh({ ...SCOPE, token: third.token, duration: 40_000 });
    const left = [...(await keysLike('f:*')), ...(await keysLike('t:*'))];
    assert.lengthOf(left, 4);
    for (const key of left) {
      const ends = Number(await stage.redis.call('PEXPIRETIME', key));
      if (key.endsWith(third.id)) assert.equal(ends, refreshed?.expiresAt);
      else assert.isAtLeast(ends, (refreshed?.expiresAt ?? 0) + 60_000);
    }
    await moveIntoPast(stage.redis, stage.prefix, 40_000_000);
    await tokens.get({ ...SCOPE, token: first.token });
    await moveIntoPast(stage.redis, stage.prefix, 40_000_000);
    assert.deepEqual([...(await keysLike('f:*')), ...(await keysLike('t:*'))], []);
  });

  it('remembers the last thousand of a family', async () => {
    const first = await create();
    const family = `{${stage.prefix}:0}:f:${first.id}`;
    const second = await rotate(first.token);
    const others = Array.from({ length: 1_200 }, (_, i) => [i + 1, `other-${i}`]).flat();
    await stage.redis.zadd(family, ...others);
    await rotate(second.token);
    assert.equal(await stage.redis.zcard(family), 1_001);
    assert.isNotNull(await stage.redis.zscore(family, second.id));
  });

  it('has the successor in the shard of its token, wherever that lies', async () => {
    const sharded = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, shards: 16 }));
    for (let i = 0; i < 20; i++) {
      const made = await sharded.create({ ...SCOPE, owner: `owner-${i}`, duration: 60 });
      const rotated = await sharded.rotate({ ...SCOPE, token: made.token });
      assert.equal(shardOf(rotated?.id as string, 16), shardOf(made.id, 16));
      assert.deepEqual(await sharded.get({ ...SCOPE, token: rotated?.token as string }), rotated);
    }
  });

  it('to a successor of another shard is refused, and nothing is changed', async () => {
    const repository = stage.repository({ shards: 2 });
    await repository.ready();
    const issuedAt = repository.now();
    const ids = { id: `AA${'0'.repeat(20)}`, successor: `AB${'0'.repeat(20)}`, nonce: 'n'.repeat(22) };
    const command = buildCommand('rotate', { ...SCOPE, ...ids, issuedAt });
    const error = await rejection(repository.rotate(command, { until: issuedAt + 5_000_000 }));
    assert.instanceOf(error, ValidationError);
    assert.match(error.message, /successor/);
  });

  it('makes the very next use of the token by the same process reuse, as soon as it was answered', async () => {
    for (const use of ['get', 'update', 'refresh', 'rotate', 'consume'] as const) {
      for (const door of [tokens, stage.opened.add(new MemoryTokens())]) {
        const made = await create(door);
        const second = await door.rotate({ ...SCOPE, token: made.token });
        assert.isUndefined(await door[use]({ ...SCOPE, token: made.token, data: {}, duration: 9 }), use);
        assert.isUndefined(await door.get({ ...SCOPE, token: second?.token as string }), use);
      }
    }
  });

  it('at once with another, or with another use, is no theft, in memory as on Redis', async () => {
    for (const door of [tokens, stage.opened.add(new MemoryTokens())]) {
      for (const use of ['rotate', 'get', 'update', 'refresh', 'consume'] as const) {
        const on = { ...SCOPE, token: (await create(door)).token, data: {}, duration: 9 };
        const [second, other] = await Promise.all([
          door.rotate({ ...SCOPE, token: on.token }),
          door[use](on),
        ]);
        assert.isUndefined(use === 'get' ? undefined : other, use);
        assert.isDefined(await door.get({ ...SCOPE, token: second?.token as string }), use);
      }
      const { token } = await create(door);
      const [second, isEnded] = await Promise.all([
        door.rotate({ ...SCOPE, token }),
        door.delete({ ...SCOPE, token }),
      ]);
      assert.isTrue(isEnded);
      if (second) assert.isUndefined(await door.get({ ...SCOPE, token: second.token }));
    }
  });

  for (const ahead of [0, 3_000]) {
    it(`is no use of the token that was asked for before it, however long that waited for its connection (a clock ${ahead} ms ahead)`, async () => {
      const made = await create();
      const way = stage.opened.add(await Way.open(stage.url));
      way.holdWhere(''); // all of them
      const fake = useFakeTimers({ now: Date.now() + ahead, toFake: ['Date'], shouldAdvanceTime: true });
      const late = stage.opened.add(new RedisTokens(way.url, { prefix: stage.prefix }));
      const uses = [
        late.get({ ...SCOPE, token: made.token }),
        late.update({ ...SCOPE, token: made.token, data: { a: 1 } }),
        late.rotate({ ...SCOPE, token: made.token }),
      ];
      const second = await rotate(made.token);
      await wait(1_200);
      way.release();
      assert.deepEqual(await Promise.all(uses), [undefined, undefined, undefined]);
      fake.restore();
      assert.deepEqual(await tokens.get({ ...SCOPE, token: second.token }), second);
    });
  }

  it('is refused to a custom token without a word to Redis, and leaves it as it is', async () => {
    const customToken = 'a voucher that can be guessed';
    const made = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken });
    assert.isUndefined(await tokens.rotate({ ...SCOPE, token: customToken }));
    assert.deepEqual(await tokens.get({ ...SCOPE, token: customToken }), made);
  });

  it('by a hundred at once, through four doors, gives all the same secret', async () => {
    await stage.startWorker();
    const doors = [
      tokens,
      stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix })),
      stage.producer(),
      stage.producer(),
    ];
    await Promise.all(doors.map((door) => door.ready()));
    const made = await create();
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (doors[i % 4] as RedisTokens).rotate({ ...SCOPE, token: made.token, grace: 30 }),
      ),
    );
    assert.equal(new Set(all.map((rotated) => rotated?.token)).size, 1);
    const [only] = all as [Token];
    assert.deepEqual(await tokens.get({ ...SCOPE, token: only.token }), only);
    assert.lengthOf(await tokens.list({ ...SCOPE, owner: 'ann' }), 1);
  });

  it('is answered as missing to a reader who may not write, and the next use is told', async () => {
    const made = await create();
    const second = await rotate(made.token);
    const user = `reader-${stage.prefix}`;
    await stage.redis.call('ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', '+@all');
    try {
      const url = new URL(stage.url);
      url.username = user;
      url.password = 'secret';
      const reader = stage.opened.add(new RedisTokens(url.href, { prefix: stage.prefix }));
      await reader.ready();
      await stage.redis.call('ACL', 'SETUSER', user, '-@scripting');
      assert.isUndefined(await reader.get({ ...SCOPE, token: made.token }));
    } finally {
      await stage.redis.call('ACL', 'DELUSER', user);
    }
    assert.deepEqual(await tokens.get({ ...SCOPE, token: second.token }), second);
    assert.isUndefined(await tokens.get({ ...SCOPE, token: made.token }));
    assert.isUndefined(await tokens.get({ ...SCOPE, token: second.token }));
  });
});

describe('With the near cache', () => {
  const world = new Near();

  const uses = {
    get: (door, token) => door.get({ ...NEAR_SCOPE, token }),
    update: (door, token) => door.update({ ...NEAR_SCOPE, token, data: { a: 1 } }),
    rotate: (door, token) => door.rotate({ ...NEAR_SCOPE, token }),
    delete: (door, token) => door.delete({ ...NEAR_SCOPE, token }),
    consume: (door, token) => door.consume({ ...NEAR_SCOPE, token }),
    deleteById: (door, token) => door.deleteById({ ...NEAR_SCOPE, id: door.idOf({ ...NEAR_SCOPE, token }) }),
  } satisfies Record<string, (door: RedisTokens, token: string) => Promise<unknown>>;

  for (const [name, use] of Object.entries(uses)) {
    it(`a family that ends by a ${name} is seen as ended by every later get, though its invalidation is on the way`, async () => {
      const made = await world.create(); // read by nobody: to look whether it is kept would be to use it
      const second = (await world.other.rotate({ ...NEAR_SCOPE, token: made.token })) as Token;
      await eventually('it is kept', async () => {
        await world.get(second);
        return world.isNear(second);
      });
      assert.deepEqual(await world.get(second, world.other), second, 'it lives');
      world.way.holdWhere(TRACKING);
      await use(world.near, made.token);
      assert.isUndefined(await world.get(second));
      world.way.release();
    });
  }

  it('what a create has ended beyond a limit is seen as ended by every later get, though its invalidation is on the way', async () => {
    const first = await world.cached();
    world.way.holdWhere(TRACKING);
    const limit = { max: 1, overflow: 'end-oldest' } as const;
    await world.near.create({ ...NEAR_SCOPE, owner: 'ann', duration: 60, limit });
    assert.isUndefined(await world.get(first));
    world.way.release();
  });

  it('a rotation that has resolved is seen by every later get, though its invalidation is on the way', async () => {
    const made = await world.cached();
    world.way.holdWhere(TRACKING);
    await world.near.rotate({ ...NEAR_SCOPE, token: made.token });
    assert.isUndefined(await world.get(made));
    world.way.release();
  });
});
