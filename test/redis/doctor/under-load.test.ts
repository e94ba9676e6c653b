// The doctor among others who write, and in a deployment of very many tokens.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import type { Diagnosis } from '../../../src/redis/doctor/diagnosis.js';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { Keys } from '../../../src/redis/keys.js';
import { shardOf } from '../../../src/tokens/identity.js';
import { openRedisSubject, type RedisSubject } from '../../contract/redis-subject.js';
import { MAX_COMMAND_AGE, MAX_DATA_BYTES, scatteredId, World } from '../../contract/world.js';
import { Chance } from '../../support/chance.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';
import { freshPrefix, sharedRedis } from '../../support/redis.js';
import { serverTime } from '../../support/time-travel.js';

const SHARDS = 4;
const OPTIONS = { shards: SHARDS, maxDataBytes: MAX_DATA_BYTES, maxCommandAge: MAX_COMMAND_AGE };

describe('The doctor among writers', function () {
  this.timeout(60_000);

  const WRITERS = 12;
  const CHANGES = 400;
  const OWNERS = ['ann', 'bob', 'cid', 'dan'];
  const TYPES = ['session', 'reset'];

  const opened = new Opened();
  const world = new World((options) => openRedisSubject(options, SHARDS));
  it('repairs nothing, finds nothing, and each token has exactly its events', async () => {
    const { url } = await sharedRedis();
    const { prefix } = world.subject as RedisSubject;
    const open = () => opened.add(new Doctor(url, { ...OPTIONS, prefix }));
    const ids = Array.from({ length: 60 }, scatteredId);
    let writing = true;
    const diagnoses: Diagnosis[] = [];
    const examine = async (doctor: Doctor, repair: boolean) => {
      while (writing) diagnoses.push(await doctor.examine({ repair }));
    };
    const doctors = [examine(open(), true), examine(open(), true), examine(open(), false)];
    const writers = Array.from({ length: WRITERS }, (_, i) => write(new Chance(`writer ${i}`), ids));
    await Promise.all(writers).finally(() => {
      writing = false;
    });
    await Promise.all(doctors);

    assert.isAtLeast(diagnoses.length, doctors.length);
    assert.isAbove(Math.max(...diagnoses.map(({ looked }) => looked.records)), 20);
    assert.deepEqual(
      diagnoses.flatMap(({ problems }) => problems),
      [],
    );
    await eventually('what is short is over', async () => {
      const { records } = await world.subject.contents();
      return records.every(({ expiresAt }) => expiresAt > world.nowMs() + 10_000);
    });
    await world.repository.sweep();
    await checkEvents();
  });

  async function write(chance: Chance, ids: readonly string[]): Promise<void> {
    for (let i = 0; i < CHANGES; i++) {
      const [id, type, owner] = [chance.pick(ids), chance.pick(TYPES), chance.pick(OWNERS)];
      const duration = chance.is(0.5) ? 0.005 + chance.int(0, 199) / 1_000 : 60; // many end while the doctors look
      // An id is of one scope: it is made from it.
      const scope = { type: TYPES[ids.indexOf(id) % TYPES.length] as string };
      const kind = chance.int(0, 19);
      if (kind < 9) await world.create({ id, owner, duration, ...scope }).catch(expected);
      else if (kind < 12) await world.update(id, { n: i }, scope);
      else if (kind < 15) await world.refresh(id, duration, scope);
      else if (kind < 18) await world.delete(id, scope);
      else if (kind < 19) await world.list(owner, { type });
      else await world.deleteAll(owner, { type });
    }
  }

  function expected(error: Error & { code?: string }): void {
    if (error.code !== 'TOKEN_EXISTS' && error.code !== 'TOKEN_REVOKED') throw error;
  }

  /**
   * Plays the events back: a life begins and ends once, and what lives now is what the last event left. A life that is
   * over may be told of after another owner has begun one with the same id.
   */
  async function checkEvents(): Promise<void> {
    const versions = new Map<string, number>();
    for (const { type, subject, owner, version } of await world.facts()) {
      const life = `${subject} of ${owner}`;
      const before = versions.get(life);
      if (type === 'token-created') assert.isUndefined(before, `${life} is created while it lives`);
      else assert.isDefined(before, `${type} of ${life}, which does not live`);
      if (type === 'token-updated' || type === 'token-refreshed') {
        assert.equal(version, (before as number) + 1, `${type} of ${life}`);
      }
      if (type === 'token-revoked' || type === 'token-expired') versions.delete(life);
      else versions.set(life, version as number);
    }
    const { records } = await world.subject.contents();
    assert.sameMembers(
      [...versions.keys()],
      records.map(({ id, owner }) => `${id} of ${owner}`),
    );
  }
});

describe('The doctor of very many tokens', function () {
  this.timeout(180_000);

  const COUNT = 20_000;
  const OF_ONE = 8_000;
  const PAGE = 1_200; // 500 members with their scores, and the little that Redis may add
  const opened = new Opened();
  let url: string;
  let prefix: string;
  let redis: Redis;

  beforeEach(async () => {
    ({ url } = await sharedRedis());
    prefix = freshPrefix();
    redis = new Redis(url, { maxRetriesPerRequest: null, replyMapping: 'legacy' });
    opened.later(redis, async () => {
      for (let cursor = '0', keys: string[]; ; ) {
        [cursor, keys] = await redis.scan(cursor, 'MATCH', `{${prefix}*`, 'COUNT', 5_000);
        if (keys.length > 0) await redis.unlink(keys);
        if (cursor === '0') break;
      }
      await redis.quit();
    });
  });

  it('reads in steps, and finds the two that are wrong', async () => {
    const ids = await fill();
    const doctor = opened.add(new Doctor(url, { ...OPTIONS, prefix }));
    const [evicted = '', hidden = ''] = ids.slice(COUNT - 2);
    const keys = new Keys(prefix);
    await redis.del(keys.record(shardOf(evicted, SHARDS), evicted));
    const scope = { app: 'shop', type: 'session' };
    await redis.zrem(keys.ownerIndex(shardOf(hidden, SHARDS), scope, ownerOf(COUNT - 1)), hidden);

    let steps = 0;
    const commands = watchCommands();
    const { looked, problems } = await doctor
      .examine({ repair: true, onProgress: () => steps++ })
      .finally(commands.stop);
    assert.deepEqual(
      problems.map(({ kind, examples }) => [kind, examples.map(({ id }) => id)]),
      [
        ['not-in-owner-index', [hidden]],
        ['member-without-record', [evicted]],
      ],
    );
    assert.isAtLeast(looked.records, COUNT - 1);
    assert.isAtLeast(looked.members, 2 * COUNT - 2);
    assert.isAbove(steps, COUNT / PAGE);
    assert.deepEqual(
      [...commands.longest].filter(([, length]) => length > PAGE),
      [],
      'no command or reply over a page',
    );
    assert.isAtLeast(commands.longest.get('zscan') ?? 0, 200, 'replies were watched');
  });

  const ownerOf = (i: number) => (i < OF_ONE ? 'ann' : `owner-${i % 5_000}`);

  /** Writes tokens as creates would leave them, only faster. */
  async function fill(): Promise<string[]> {
    const keys = new Keys(prefix);
    const scope = { app: 'shop', type: 'session' };
    const now = await serverTime(redis);
    const ids = Array.from({ length: COUNT }, scatteredId);
    for (let from = 0; from < COUNT; from += 10_000) {
      const pipeline = redis.pipeline();
      const indexes = new Map<string, (string | number)[]>();
      for (let i = from; i < from + 10_000; i++) {
        const id = ids[i] as string;
        const shard = shardOf(id, SHARDS);
        const expires = now + 3_600_000 + i;
        const owner = ownerOf(i);
        const record = JSON.stringify(['shop', 'session', owner, 1, now * 1_000, expires, 0, 'n', String(i)]);
        pipeline.set(keys.record(shard, id), record, 'PXAT', expires);
        for (const [key, member] of [
          [keys.ownerIndex(shard, scope, owner), id],
          [keys.scopeIndex(shard, scope), `${id}:${owner}`],
        ] as const) {
          const members = indexes.get(key) ?? [];
          members.push(expires, member);
          indexes.set(key, members);
        }
      }
      for (const [key, members] of indexes) {
        pipeline.zadd(key, ...members);
        pipeline.pexpireat(key, now + 2 * 86_400_000);
      }
      await pipeline.exec();
    }
    for (let shard = 0; shard < SHARDS; shard++) await redis.sadd(keys.scopes(shard), 'shop:session');
    await redis.hset(keys.meta, { layout: 1, shards: SHARDS, maxCommandAge: MAX_COMMAND_AGE });
    return ids;
  }
});

/** The most that a command of each name was given or answered, in arguments or elements. */
function watchCommands() {
  const longest = new Map<string, number>();
  const note = (name: string, length: number) => longest.set(name, Math.max(longest.get(name) ?? 0, length));
  const send = Redis.prototype.sendCommand;
  // No stub: it would keep every call.
  Redis.prototype.sendCommand = function (this: Redis, command, stream) {
    note(command.name, command.args.length);
    command.promise.then(
      (reply: unknown) => note(command.name, [reply].flat(2).length),
      () => {},
    );
    return send.call(this, command, stream);
  };
  const stop = () => {
    Redis.prototype.sendCommand = send;
  };
  return { longest, stop };
}
