// The contract of repositories, kept in Redis: on one shard, on several, and with a near cache; and what only Redis can show.
import { assert } from 'chai';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand } from '../../src/tokens/commands.js';
import { CommandFailedError, LimitExceededError } from '../../src/tokens/errors.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { rejection } from '../support/eventually.js';
import { onCluster } from '../support/redis.js';
import { contract } from './contract.js';
import { openRedisSubject, type RedisSubject } from './redis-subject.js';
import { refused } from './refusals.js';
import { MAX_COMMAND_AGE, newId, SECOND, World } from './world.js';

contract('The repository on Redis', (options) => openRedisSubject(options, 1));
contract('The repository on Redis with four shards', (options) => openRedisSubject(options, 4));
if (!onCluster)
  // it refuses that
  contract('The repository on Redis with a near cache', (options) => openRedisSubject(options, 4, {}));

(onCluster ? () => {} : describe)('In Redis', () => {
  let subject: RedisSubject;
  const world = new World(async (options) => {
    subject = await openRedisSubject(options, 1);
    return subject;
  });

  it('every event is published as it stands in the log, on the channel of its type and scope', async () => {
    const listener = subject.redis.duplicate();
    try {
      const heard: [channel: string, message: string][] = [];
      listener.on('pmessage', (_, channel, message) => heard.push([channel, message]));
      await listener.psubscribe(`${subject.prefix}:events:*`);
      const scope = { app: 'a:b*', type: '🙂 c' };
      const { id } = await world.create({ ...scope, owner: 'ann "\n\u2028' });
      await world.update(id, { a: 1 }, { ...scope, commandId: 'u-1' });
      await world.refresh(id, 60, scope);
      await world.delete(id, scope);
      await world.create({ ...scope, owner: 'ann', duration: 1 });
      await world.advance(2 * SECOND);
      await world.list('ann', scope);
      await listener.ping();
      assert.deepEqual(
        heard.map(([, message]) => JSON.parse(message)),
        await world.events(),
      );
      assert.deepEqual(
        heard.map(([channel]) => channel),
        ['created', 'updated', 'refreshed', 'revoked', 'created', 'expired'].map(
          (type) => `${subject.prefix}:events:token-${type}:a%3Ab%2A:%F0%9F%99%82%20c`,
        ),
      );
    } finally {
      await listener.quit();
    }
  });

  it('nothing but the log, the scopes and what all processes agree on is there for ever', async () => {
    const job = world.job();
    const { id } = await world.create({ job, commandId: 'c' });
    await world.create();
    await world.delete(id);
    await world.deleteAll('bob');
    const lasting = [];
    for (const key of await subject.redis.keys(`{${subject.prefix}*`)) {
      if ((await subject.redis.ttl(key)) === -1) lasting.push(key);
    }
    const { prefix } = subject;
    assert.sameMembers(lasting, [`{${prefix}}:meta`, `{${prefix}:0}:log`, `{${prefix}:0}:scopes`]);
  });

  it('a record is the array that is documented', async () => {
    const data = { a: 1, '"': ['x'] };
    const { id, expiresAt, createdAt } = await world.create({ owner: 'ann', data });
    const text = await subject.redis.get(`{${subject.prefix}:0}:t:${id}`);
    const [, , , , created] = JSON.parse(text ?? '[]');
    assert.equal(Math.floor(created / 1_000), createdAt);
    const record = ['shop', 'session', 'ann', 1, created, expiresAt, 0, 'a', '1', '"', '["x"]'];
    assert.equal(text, JSON.stringify(record));
  });

  it('a deleteAll in steps that is run again counts what it had ended before', async () => {
    const store = new Store(subject.redis, 5_000);
    let steps = 0;
    const failing = new Proxy(store, {
      get: (target, name) => {
        if (name === 'change' && ++steps === 3) throw new Error('its worker dies');
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const options = resolveTokenOptions({ prefix: subject.prefix, maxCommandAge: MAX_COMMAND_AGE });
    const dying = new RedisTokenRepository(failing, options);
    await Promise.all(Array.from({ length: 1_300 }, () => world.create({ owner: 'ann' })));
    await dying.ready();
    const job = world.job('revocations');
    const command = buildCommand('deleteAll', {
      issuedAt: world.now(),
      app: 'shop',
      type: 'session',
      owner: 'ann',
    });
    const attempt = { until: world.now() + 5_000_000, job, commandId: 'all' };
    await rejection(dying.deleteAll(command, attempt));
    assert.equal(
      await subject.redis.zcard(`{${subject.prefix}:0}:o:shop:session:ann`),
      900,
      'two steps of it',
    );
    await dying.close();
    for (const again of [1, 2]) {
      assert.equal(await world.repository.deleteAll(command, attempt), 1_300, `attempt ${again}`);
    }
    assert.lengthOf(await world.events(), 2_600);
  });

  it('a token that a deleteAll in steps has not come to is ended, and not moved, by who uses it', async () => {
    const store = new Store(subject.redis, 5_000);
    let steps = 0;
    const failing = new Proxy(store, {
      get: (target, name) => {
        if (name === 'change' && ++steps === 2) throw new Error('its process dies');
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const dying = new RedisTokenRepository(failing, resolveTokenOptions({ prefix: subject.prefix }));
    await Promise.all(Array.from({ length: 1_300 }, () => world.create({ owner: 'ann' })));
    await dying.ready();
    const fields = { issuedAt: world.now(), app: 'shop', type: 'session', owner: 'ann' };
    await rejection(dying.deleteAll(buildCommand('deleteAll', fields), { until: world.now() + 5_000_000 }));
    await dying.close();
    const [left] = await world.list('ann');
    await world.events();
    const newest = newId();
    assert.isUndefined(await world.get(newest, { formerIds: [left?.id as string] }));
    assert.deepEqual(
      (await world.facts()).map(({ type, subject: id, reason }) => [type, id, reason]),
      [['token-revoked', left?.id, 'deleted-all']],
    );
  });

  it('a deleteAll leaves another owner’s record as it is to the byte, though it was to except it', async () => {
    const { id } = await world.create({ owner: 'bob' });
    const key = `{${subject.prefix}:0}:t:${id}`;
    const before = await subject.redis.get(key);
    await world.deleteAll('ann', { except: id });
    assert.equal(await subject.redis.get(key), before);
    await world.deleteAll('bob', { except: id });
    assert.notEqual(await subject.redis.get(key), before);
  });

  it('a limit ends what only seems to live, and does not count it', async () => {
    const key = (id: string) => `{${subject.prefix}:0}:t:${id}`;
    const limit = { max: 3, overflow: 'reject' };
    const [lost, marked, others, ...rest] = [
      await world.create(),
      await world.create(),
      await world.create(),
      await world.create(),
      await world.create(),
    ] as TokenRecord[];
    await refused(world.create({ limit }), LimitExceededError);
    await world.events();
    // Deleted by hand; of a revocation in steps that has not come to it; used again by another owner.
    await subject.redis.del(key(lost?.id as string));
    await subject.redis.zadd(
      `{${subject.prefix}:0}:revoked`,
      ...[world.now(), `id:shop:session:${marked?.id}`, world.now(), 'owner:shop:session:ann'],
    );
    await subject.redis.set(
      key(others?.id as string),
      JSON.stringify(['shop', 'session', 'bob', 1, world.now(), 9e12, 0]),
    );
    const again = await world.create({ limit });
    const ended = (await world.facts()).filter(({ subject: id }) => id !== again.id);
    assert.sameDeepMembers(
      ended.map(({ type, subject: id, reason }) => [type, id, reason]),
      [
        ['token-expired', lost?.id, undefined],
        ['token-revoked', marked?.id, 'deleted'],
        ['token-expired', others?.id, undefined],
        ...rest.map(({ id }) => ['token-revoked', id, 'deleted-all']),
      ],
    );
    assert.equal(await world.count({ owner: 'ann' }), 1);
    assert.isNotNull(await subject.redis.get(key(others?.id as string)), 'what is of another owner stays');
    await subject.redis.del(key(others?.id as string));
  });

  for (const [set, name, reason] of [
    ['revoked', 'owner:shop:session:ann', 'deleted-all'],
    ['revoked', 'scope:shop:session', 'deleted-scope'],
    ['revoked', 'app:shop', 'deleted-app'],
    ['late', 'owner:shop:session:ann', 'deleted-all'],
    ['late', 'others:shop:session:ann', 'deleted-all'],
    ['late', 'scope:shop:session', 'deleted-scope'],
    ['late', 'app:shop', 'deleted-app'],
  ] as const) {
    it(`a limit does not count what a revocation in steps has not come to (${set}, ${name})`, async () => {
      const [first] = [await world.create(), await world.create()];
      await world.events();
      await subject.redis.zadd(`{${subject.prefix}:0}:${set}`, world.now(), name);
      await world.create({ limit: { max: 1, overflow: 'reject' } });
      const reasons = (await world.facts()).flatMap(({ type, reason }) =>
        type === 'token-revoked' ? [reason] : [],
      );
      assert.deepEqual(reasons, [reason, reason]);
      assert.isUndefined(await world.get(first.id));
    });
  }

  it('a limit counts a token that was spared of its owner’s revocation', async () => {
    const [{ id }] = [await world.create(), await world.create()];
    await world.deleteAll('ann', { except: id });
    await refused(world.create({ limit: { max: 1, overflow: 'reject' } }), LimitExceededError);
    await world.create({ limit: { max: 2, overflow: 'reject' } });
    assert.isDefined(await world.get(id));
    await world.events();
    await world.create({ limit: { max: 2, overflow: 'end-oldest' } });
    assert.deepInclude((await world.facts())[0], { type: 'token-revoked', subject: id, reason: 'limit' });
  });

  it('a create that a limit refuses all the same ends what only seems to live', async () => {
    // The one that would die first is met first: of those that die together the id decides.
    const [lost, ...live] = [
      await world.create({ duration: 50 }),
      await world.create(),
      await world.create(),
    ];
    await subject.redis.del(`{${subject.prefix}:0}:t:${lost?.id}`);
    await world.events();
    await refused(world.create({ limit: { max: 2, overflow: 'reject' } }), LimitExceededError);
    assert.deepEqual(
      (await world.facts()).map(({ type, subject: id }) => [type, id]),
      [['token-expired', lost?.id]],
    );
    assert.equal(await world.count({ owner: 'ann' }), live.length);
  });

  it('a use leaves alone what a revocation in steps has not come to, which ends it and tells why', async () => {
    const made = await world.create({ owner: 'ann', idle: 30 });
    await subject.redis.zadd(`{${subject.prefix}:0}:revoked`, world.now(), 'owner:shop:session:ann');
    await world.events();
    await world.touch(made.id);
    assert.deepEqual(await world.get(made.id), made);
    const reason = 'password-changed';
    assert.equal(await world.deleteAll('ann', { reason }), 1);
    assert.deepEqual(await world.facts(), [
      { type: 'token-revoked', subject: made.id, owner: 'ann', version: 1, reason },
    ]);
  });

  const unreadable = [
    ...['["shop","session","ann', '["shop","session","ann\\', '["shop","session","\\x",1,2,3,0]'],
    ...['["shop","session","ann"]', '["shop","session","ann",1,2,3]', '["shop","session","ann",nil,2,3,0]'],
    ...[
      ...['x0 secret', 'null', '0', '{}', '[0,"shop","session",', '[0,"shop","session","ann",1,"f","s"]'],
      '["shop","session",7,1,2,3,0]',
      '["shop","session","ann",1,2,3,0',
      '["shop","session","ann",1,2,3,0,{',
    ],
  ];
  for (const text of unreadable) {
    it(`a record that can not be read is in nobody’s way: ${text}`, async () => {
      const [broken, other] = [await world.create(), await world.create()];
      const key = `{${subject.prefix}:0}:t:${broken.id}`;
      const breakIt = () => subject.redis.set(key, text, 'KEEPTTL');
      for (const change of [
        () => world.update(broken.id, { a: 1 }),
        () => world.refresh(broken.id, 60),
        () => world.rotate(broken.id),
        () => world.consume(broken.id),
        () => world.delete(broken.id),
      ]) {
        await breakIt();
        assert.isNotOk(await change());
      }
      await refused(world.create({ limit: { max: 1 } }), LimitExceededError);
      await world.create({ limit: { max: 2 } });
      for (const revoke of [
        () => world.deleteAll('ann'),
        () => world.deleteScope(),
        () => world.deleteApp(),
      ]) {
        await world.create();
        const member = await world.create();
        await subject.redis.set(`{${subject.prefix}:0}:t:${member.id}`, text, 'KEEPTTL');
        assert.isAtLeast(await revoke(), 1);
        assert.equal(await world.count(), 0);
        await subject.redis.del(`{${subject.prefix}:0}:t:${member.id}`);
      }
      assert.isUndefined(await world.get(other.id));
      await subject.redis.del(key);
    });
  }

  for (const text of [
    ...['x0 secret', 'null', '0', '{}', '[0,"shop","session","secret', '["shop","session","ann'],
    ...['["shop","session","ann",1,2,9999999999999,0,"secret"]'],
  ]) {
    it(`a read of a record that can not be read says so, and nothing of it: ${text}`, async () => {
      const { id } = await world.create();
      const key = `{${subject.prefix}:0}:t:${id}`;
      await subject.redis.set(key, text, 'KEEPTTL');
      const error = await refused(world.get(id), CommandFailedError);
      assert.notInclude(`${error.message} ${error.stack} ${error.cause}`, 'secret');
      assert.isUndefined(await world.update(id, { a: 1 }));
      const other = await world.create();
      assert.deepEqual(await world.list('ann'), [other]);
      await subject.redis.del(key);
      await world.list('ann');
    });
  }

  it('many uses in one tick are one script', async () => {
    const made = await Promise.all(Array.from({ length: 30 }, () => world.create({ idle: 30 })));
    const calls = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await subject.redis.info('commandstats'))?.[1]);
    await Promise.all(made.slice(0, 2).map(({ id }) => world.touch(id)));
    const before = await calls();
    await Promise.all(made.map(({ id }) => world.touch(id)));
    assert.equal((await calls()) - before, 1);
    for (const { id } of made) assert.isDefined((await world.get(id))?.lastUsedAt);
  });

  it('what a token has besides its data stands in braces, as is documented', async () => {
    const { id, createdAt } = await world.create({
      hint: 'rt_…1234',
      label: 'é "x"',
      idle: 30,
      data: { a: 1 },
    });
    await world.touch(id);
    const used = (await world.get(id))?.lastUsedAt;
    const text = (await subject.redis.get(`{${subject.prefix}:0}:t:${id}`)) as string;
    const attributes = {
      ...{ hint: 'rt_%E2%80%A61234', label: '%C3%A9%20%22x%22', idle: 30 },
      ...{ absoluteExpiresAt: createdAt + 60_000, lastUsedAt: used },
    };
    assert.deepEqual(JSON.parse(text).slice(7), [attributes, 'a', '1']);
    assert.equal(text, JSON.stringify(JSON.parse(text)));
  });

  it('a sweep ends a record whose key has outlived it, once', async () => {
    const ids = await Promise.all(Array.from({ length: 250 }, async () => (await world.create()).id));
    for (const id of ids) await subject.redis.persist(`{${subject.prefix}:0}:t:${id}`);
    await world.advance(120 * SECOND);
    await world.events();
    assert.equal(await world.repository.sweep(), 250);
    assert.equal(await world.repository.sweep(), 0);
    assert.sameMembers(
      (await world.facts()).map(({ type, subject: id }) => `${type} ${id}`),
      ids.map((id) => `token-expired ${id}`),
    );
    assert.isEmpty(await subject.redis.keys(`{${subject.prefix}:0}:[tos]:*`));
  });

  for (const [operation, run] of [
    ['update', (id: string) => world.update(id, { a: 1 })],
    ['refresh', (id: string) => world.refresh(id, 90)],
    ['consume', (id: string) => world.consume(id)],
    ['rotate', (id: string) => world.rotate(id)],
  ] as const) {
    for (const [reason, member] of [
      ['deleted', (id: string) => `id:shop:session:${id}`],
      ['deleted', (id: string) => `id:shop:session:${id}:ann`],
      ['deleted-all', () => 'owner:shop:session:ann'],
      ['deleted-scope', () => 'scope:shop:session'],
      ['deleted-app', () => 'app:shop'],
    ] as const) {
      it(`a token that a revocation in steps has not come to is ended by the ${operation} that meets it (${reason}, ${member('its id')})`, async () => {
        const { id } = await world.create({ owner: 'ann' });
        await subject.redis.zadd(`{${subject.prefix}:0}:revoked`, world.now(), member(id));
        await world.events();
        assert.isUndefined(await run(id));
        assert.isUndefined(await world.get(id));
        assert.deepEqual(await world.facts(), [
          { type: 'token-revoked', subject: id, owner: 'ann', version: 1, reason },
        ]);
        assert.deepEqual(await world.indexSizes(), { byOwner: 0, byScope: 0 });
      });
    }
  }
});
