// The doctor finds each kind of damage, repairs it when asked to, and leaves alone what is in order.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import sinon from 'sinon';
import type { Diagnosis, Subject } from '../../../src/redis/doctor/diagnosis.js';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { SCRIPTS } from '../../../src/redis/scripts.generated.js';
import { RedisTokens } from '../../../src/redis-tokens.js';
import { ConfigError } from '../../../src/tokens/errors.js';
import type { TokenRecord } from '../../../src/tokens/types.js';
import { startRedisServer } from '../../../tools/redis-server.js';
import { openRedisSubject, type RedisSubject } from '../../contract/redis-subject.js';
import { MAX_COMMAND_AGE, MAX_DATA_BYTES, scatteredId, World } from '../../contract/world.js';
import { rejection } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';
import { freshPrefix, sharedRedis } from '../../support/redis.js';
import { DAMAGES, Ward } from './damage.js';
import { ROTATION_DAMAGES } from './rotation-damage.js';

const SHARDS = 4;

/** Kinds with their counts, and what the first example of each is. */
const told = ({ problems }: Diagnosis): Record<string, number> =>
  Object.fromEntries(problems.map(({ kind, count }) => [kind, count]));

describe('The doctor', () => {
  const opened = new Opened();
  const world = new World((options) => openRedisSubject(options, SHARDS));
  let ward: Ward;
  let doctor: Doctor;

  beforeEach(async () => {
    const { redis, prefix } = world.subject as RedisSubject;
    const { url } = await sharedRedis();
    doctor = opened.add(
      new Doctor(url, {
        prefix,
        shards: SHARDS,
        maxDataBytes: MAX_DATA_BYTES,
        maxCommandAge: MAX_COMMAND_AGE,
      }),
    );
    ward = new Ward(world, redis, prefix, SHARDS);
    await ward.fill();
    await world.events();
  });

  it('finds nothing where nothing is wrong, and tells how much it looked at', async () => {
    const { complete, looked, problems } = await doctor.examine();
    assert.isTrue(complete);
    assert.deepEqual(problems, []);
    const { records } = await world.subject.contents();
    assert.equal(looked.records, records.length);
    assert.equal(looked.members, 2 * records.length);
    assert.equal(looked.overdue, 0);
    assert.isAtLeast(looked.scopeIndexes, 2);
    assert.isAtLeast(looked.ownerIndexes, 3);
    assert.equal(looked.jobs, 1);
  });

  for (const { what, found, repaired = found, wreck, check } of [...DAMAGES, ...ROTATION_DAMAGES]) {
    describe(`where ${what}`, () => {
      let example: Subject;
      beforeEach(async () => {
        example = await wreck(ward);
      });

      it('tells of it, and writes nothing', async () => {
        const before = await ward.snapshot();
        const diagnosis = await doctor.examine();
        assert.deepEqual(await ward.snapshot(), before);
        assert.deepEqual(told(diagnosis), found);
        assert.deepEqual(diagnosis.problems[0]?.examples, [example]);
        assert.deepEqual([...new Set(diagnosis.problems.map((problem) => problem.repaired))], [0]);
        await doctor.examine({ repair: true });
      });

      it('repairs it', async () => {
        const diagnosis = await doctor.examine({ repair: true });
        assert.deepEqual(told(diagnosis), repaired);
        for (const { kind, count, repaired } of diagnosis.problems) assert.equal(repaired, count, kind);
        assert.deepEqual((await doctor.examine()).problems, []);
        await check?.(ward);
      });
    });
  }

  it('tells of what lies where nobody looks for it, and leaves it there', async () => {
    const { redis, victim } = ward;
    const text = (await redis.get(ward.recordKey(victim.id))) as string;
    const shard = (ward.shardOf(victim.id) + 1) % SHARDS;
    const misplaced = [
      `${ward.tag(shard)}t:${victim.id}`,
      `${ward.tag(shard)}t:no-id`,
      `${ward.tag(SHARDS)}t:${victim.id}`,
    ];
    for (const key of misplaced) await redis.set(key, text, 'PXAT', victim.expiresAt);
    misplaced.push(`${ward.tag(shard)}o:shop:session:%zz`, `${ward.tag(shard)}s:shop`);
    for (const key of misplaced.slice(3)) await redis.zadd(key, victim.expiresAt, victim.id);
    const index = ward.ownerIndex(victim, shard);
    await redis.zadd(index, victim.expiresAt, victim.id);
    await redis.pexpireat(index, victim.expiresAt + 86_400_000);
    const before = await ward.snapshot();
    const diagnosis = await doctor.examine({ repair: true });
    assert.deepEqual(told(diagnosis), { 'wrong-place': 6 });
    assert.equal(diagnosis.problems[0]?.repaired, 0);
    assert.lengthOf(diagnosis.problems[0]?.examples ?? [], 5);
    assert.deepEqual(await ward.snapshot(), before);
    await redis.del(misplaced);
    await redis.zrem(index, victim.id);
  });

  it('tells of keys that nobody here writes, and leaves them there', async () => {
    const { redis } = ward;
    const strays = ['bogus', 'tbogus', 't', 'job', 'scopes:x', 'x:y', 'log2'].map(
      (name) => `${ward.tag(1)}${name}`,
    );
    for (const key of strays) await redis.set(key, 'x');
    const before = await ward.snapshot();
    const diagnosis = await doctor.examine({ repair: true });
    assert.deepEqual(told(diagnosis), { 'unknown-key': strays.length });
    assert.equal(diagnosis.problems[0]?.repaired, 0);
    assert.deepEqual(await ward.snapshot(), before);
    await redis.del(strays);
  });

  it('agrees anew only on what fits the tokens that are there', async () => {
    const { redis, keys } = ward;
    await redis.del(keys.meta);
    for (const shards of [1, 8]) {
      const other = new Doctor((await sharedRedis()).url, { prefix: keys.prefix, shards });
      opened.add(other);
      for (const repair of [false, true]) {
        const error = await rejection(other.examine({ repair }));
        assert.instanceOf(error, ConfigError);
        assert.match(
          error.message,
          new RegExp(`lost, and shards can not have been ${shards}, for there is \\{`),
        );
      }
    }
    assert.equal(await redis.exists(keys.meta), 0);
    await doctor.examine({ repair: true });
    assert.equal(await redis.hget(keys.meta, 'shards'), String(SHARDS));
  });

  it('makes the names of scopes anew where something else stands in their place', async () => {
    const { redis, scopes } = ward;
    const names = (await redis.smembers(scopes)).sort();
    await redis.set(scopes, 'x');
    const found = { 'key-of-other-type': 1, 'scope-not-listed': names.length };
    assert.deepEqual(told(await doctor.examine()), found);
    assert.deepEqual(told(await doctor.examine({ repair: true })), found);
    assert.deepEqual((await redis.smembers(scopes)).sort(), names);
    assert.deepEqual((await doctor.examine()).problems, []);
  });

  it('takes overdue members and empty scopes for what they are', async () => {
    const { id } = await world.create({ owner: 'eve', type: 'gone', duration: 1 });
    await world.create({ owner: 'eve', duration: 1 });
    await world.delete(id, { type: 'gone' });
    await world.advance(2_000);
    const before = await ward.snapshot();
    const { looked, problems } = await doctor.examine({ repair: true });
    assert.deepEqual(problems, []);
    assert.equal(looked.overdue, 2);
    assert.equal(looked.emptyScopes, 1);
    assert.deepEqual(await ward.snapshot(), before);
  });

  it('ends what a revocation could not see, instead of taking it back into the indexes', async () => {
    const { redis, victim } = ward;
    await redis.zrem(ward.ownerIndex(victim), victim.id);
    await world.deleteAll(victim.owner, { app: victim.app, type: victim.type });
    assert.isDefined(await world.get(victim.id, { type: victim.type }), 'the damage hides it');
    await world.events();
    await doctor.examine({ repair: true });
    assert.isUndefined(await world.get(victim.id, { type: victim.type }));
    const events = await world.facts();
    assert.deepEqual(events, [
      { type: 'token-revoked', subject: victim.id, owner: victim.owner, version: 1, reason: 'deleted-all' },
    ]);
    assert.deepEqual((await doctor.examine()).problems, []);
  });

  it('leaves a value alone that was written over meanwhile', async () => {
    const { redis, victim } = ward;
    const key = ward.recordKey(victim.id);
    const text = (await redis.get(key)) as string;
    await redis.set(key, 'garbage', 'KEEPTTL');
    let isBack = false;
    const send = Redis.prototype.sendCommand;
    const stub = sinon.stub(Redis.prototype, 'sendCommand').callsFake(function (
      this: Redis,
      command,
      stream,
    ) {
      if (command.name !== 'evalsha' || command.args[0] !== SCRIPTS.removeUnreadable.sha) {
        return send.call(this, command, stream);
      }
      isBack = true;
      const written = redis.set(key, text, 'KEEPTTL');
      return written.then(() => send.call(this, command, stream));
    });
    const diagnosis = await doctor.examine({ repair: true }).finally(() => stub.restore());
    assert.isTrue(isBack);
    assert.deepEqual(told(diagnosis), {});
    assert.equal(await redis.get(key), text);
  });

  it('shows five examples of many, and counts the rest', async () => {
    const { redis } = ward;
    const made: TokenRecord[] = [];
    for (let i = 0; i < 7; i++) made.push(await world.create({ id: scatteredId(), owner: `lost-${i}` }));
    for (const { id } of made) await redis.del(ward.recordKey(id));
    const [problem] = (await doctor.examine()).problems;
    assert.equal(problem?.count, 7);
    assert.lengthOf(problem?.examples ?? [], 5);
    const ids = made.map(({ id }) => id);
    for (const { id, owner } of problem?.examples ?? []) assert.equal(owner, `lost-${ids.indexOf(id ?? '')}`);
    assert.equal((await doctor.examine({ repair: true })).problems[0]?.repaired, 7);
  });

  it('tells how far it has come among all keys that Redis holds', async () => {
    for (let i = 0; i < 3; i++) await world.create({ id: scatteredId(), owner: 'ann' });
    const told: { passed: number; total: number }[] = [];
    await doctor.examine({ onProgress: (_, __, walk) => told.push({ ...walk }) });
    const last = told.at(-1);
    assert.isAtLeast(last?.total ?? 0, 3);
    assert.isAbove(last?.passed ?? 0, 0);
    assert.isTrue(
      told.every(({ passed, total }, i) => passed <= total && passed >= (told[i - 1]?.passed ?? 0)),
    );
  });

  it('stops where it is asked to, and says so', async () => {
    const stop = new AbortController();
    const diagnosis = await doctor.examine({ signal: stop.signal, onProgress: () => stop.abort() });
    assert.isFalse(diagnosis.complete);
    assert.equal(diagnosis.looked.records, 0);
  });
});

describe('The doctor, called to the wrong place,', () => {
  const opened = new Opened();

  it('refuses where there is no deployment, and makes none', async () => {
    const { url } = await sharedRedis();
    const prefix = freshPrefix();
    const doctor = opened.add(new Doctor(url, { prefix }));
    for (const repair of [false, true]) {
      const error = await rejection(doctor.examine({ repair }));
      assert.instanceOf(error, ConfigError);
      assert.match(error.message, /there is no deployment with this prefix/);
    }
    await opened.add(new RedisTokens(url, { prefix })).ready();
    assert.deepEqual((await doctor.examine()).problems, []);
    const other = opened.add(new Doctor(url, { prefix, shards: 2 }));
    const misfit = await rejection(other.examine({ repair: true }));
    assert.instanceOf(misfit, ConfigError);
    assert.match(misfit.message, /shards is 1 in this deployment, but 2 here/);
  });
});

describe('The doctor of a server whose memory is full', () => {
  const opened = new Opened();

  it('repairs all the same', async () => {
    const server = await startRedisServer({ args: ['--maxmemory-policy', 'noeviction'], log: () => {} });
    opened.later(server, () => server.stop());
    const redis = new Redis(server.url);
    opened.later(redis, () => redis.disconnect());
    const tokens = opened.add(new RedisTokens(server.url));
    const doctor = opened.add(new Doctor(server.url, {}));
    const ann = { app: 'shop', type: 'session', owner: 'ann' };
    const [hidden, evicted, garbled] = [
      await tokens.create({ ...ann, duration: 60 }),
      await tokens.create({ ...ann, duration: 60 }),
      await tokens.create({ ...ann, duration: 60 }),
    ];
    await redis.zrem('{rt:0}:o:shop:session:ann', hidden.id);
    await redis.del('{rt:0}:scopes', `{rt:0}:t:${evicted.id}`);
    await redis.set(`{rt:0}:t:${garbled.id}`, 'garbage', 'KEEPTTL');
    await redis.config('SET', 'maxmemory', '1');
    assert.match((await rejection(redis.set('more', 'x'))).message, /^OOM/);
    for (const { kind, count, repaired } of (await doctor.examine({ repair: true })).problems) {
      assert.equal(repaired, count, kind);
    }
    assert.deepEqual((await doctor.examine()).problems, []);
    const ids = (await tokens.list(ann)).map(({ id }) => id);
    assert.deepEqual(ids, [hidden.id]);
  });
});
