// Tokens to be damaged, and the ways to damage them that the doctor must know.
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import type { ProblemKind, Subject } from '../../../src/redis/doctor/diagnosis.js';
import { Keys } from '../../../src/redis/keys.js';
import { shardOf } from '../../../src/tokens/identity.js';
import type { TokenRecord } from '../../../src/tokens/types.js';
import { scatteredId, type World } from '../../contract/world.js';
import { serverTime } from '../../support/time-travel.js';

const DAY = 86_400_000;
const ANN = 'ann:*% "é\\ \u{1f600}'; // names that must be escaped in keys and in JSON

/** A deployment with tokens, one of which is picked out. */
export class Ward {
  readonly world: World;
  readonly redis: Redis;
  readonly shards: number;
  readonly keys: Keys;
  #victim: TokenRecord | undefined;

  constructor(world: World, redis: Redis, prefix: string, shards: number) {
    this.world = world;
    this.redis = redis;
    this.shards = shards;
    this.keys = new Keys(prefix);
  }

  async fill(): Promise<void> {
    const { world } = this;
    for (let i = 0; i < 12; i++) await world.create({ id: scatteredId(), owner: ANN, duration: 60 + i });
    for (const owner of ['bob', 'cid']) {
      for (const type of ['session', 'reset']) {
        await world.create({ id: scatteredId(), owner, type, data: { a: [], secret: 'hidden' } });
      }
    }
    const shown = { hint: 'rt_…1234', label: '“phone” {1}, %' };
    const { id } = await world.create({ id: scatteredId(), owner: 'cid', idle: 40, ...shown });
    await world.touch(id);
    const job = { job: world.job(), commandId: 'c' };
    await world.create({ id: scatteredId(), owner: 'cid', ...job });
    // What was rotated, with a grace and without, and used again.
    for (const grace of [60, 0]) {
      const { id } = await world.create({ id: scatteredId(), owner: 'cid' });
      const successor = () => id.slice(0, 2) + scatteredId().slice(2);
      const rotated = await world.rotate(id, { successor: successor(), grace });
      await world.rotate(rotated?.record.id as string, { successor: successor() });
      await world.get(id);
    }
    // The only one of its owner, and of its scope.
    this.#victim = await world.create({ id: scatteredId(), owner: ANN, type: 'api', data: { k: { a: [] } } });
  }

  get victim(): TokenRecord {
    return this.#victim as TokenRecord;
  }

  /** What is told of the victim. */
  get subject(): Subject {
    const { id, app, type, owner } = this.victim;
    return { key: this.recordKey(id), id, app, type, owner };
  }

  shardOf(id: string): number {
    return shardOf(id, this.shards);
  }

  tag(shard: number): string {
    return `{${this.keys.prefix}:${shard}}:`;
  }

  recordKey(id: string): string {
    return this.keys.record(this.shardOf(id), id);
  }

  ownerIndex(record: TokenRecord, shard = this.shardOf(record.id)): string {
    return this.keys.ownerIndex(shard, record, record.owner);
  }

  scopeIndex(record: TokenRecord): string {
    return this.keys.scopeIndex(this.shardOf(record.id), record);
  }

  get scopes(): string {
    return this.keys.scopes(this.shardOf(this.victim.id));
  }

  /** Writes the victim's record anew, its life as it was. */
  async rewrite(change: (text: string) => string | Buffer): Promise<void> {
    const key = this.recordKey(this.victim.id);
    await this.redis.set(key, change((await this.redis.get(key)) as string), 'KEEPTTL');
  }

  ends(key: string): Promise<unknown> {
    return this.redis.call('PEXPIRETIME', key);
  }

  /** All that there is, byte for byte. */
  async snapshot(): Promise<Record<string, unknown>> {
    const all: Record<string, unknown> = {};
    for (const key of (await this.redis.keys(`{${this.keys.prefix}*`)).sort()) {
      all[key] = [(await this.redis.dumpBuffer(key))?.toString('hex'), await this.ends(key)];
    }
    return all;
  }

  /** That the victim lives on as it was. */
  async isWell(): Promise<void> {
    const { id, app, type, owner } = this.victim;
    assert.deepEqual(await this.world.get(id, { app, type }), this.victim);
    assert.deepEqual(await this.world.list(owner, { app, type }), [this.victim]);
    assert.equal(await this.ends(this.recordKey(id)), this.victim.expiresAt);
    assert.deepEqual(await this.world.facts(), []);
  }

  /** That the victim is no more, and that this was told once. */
  async isTold(): Promise<void> {
    const { id, app, type, owner } = this.victim;
    assert.isUndefined(await this.world.get(id, { app, type }));
    assert.deepEqual(await this.world.list(owner, { app, type }), []);
    assert.deepEqual(await this.world.facts(), [{ type: 'token-expired', subject: id, owner }]);
  }
}

export interface Damage {
  what: string;
  found: Partial<Record<ProblemKind, number>>;
  /** What is told where it is repaired. Default: the same. */
  repaired?: Partial<Record<ProblemKind, number>>;
  /** Does it. Answers the example of the first kind that is told. */
  wreck(ward: Ward): Promise<Subject>;
  /** That it is right afterwards. */
  check?(ward: Ward): Promise<void>;
}

const well = (ward: Ward) => ward.isWell();
const gone = (ward: Ward) => ward.isTold();

const agreed = async ({ redis, keys, shards }: Ward) =>
  assert.deepInclude(await redis.hgetall(keys.meta), { layout: '1', shards: String(shards) });

const unreadable = (
  what: string,
  change: (text: string) => string | Buffer,
  seenByScripts = false,
): Damage => ({
  what: `a record ${what}`,
  found: { ...(seenByScripts ? {} : { 'member-without-record': 1 }), 'unreadable-record': 1 },
  repaired: { 'member-without-record': 1, 'unreadable-record': 1 },
  wreck: async (ward) => {
    await ward.rewrite(change);
    return seenByScripts ? { key: ward.subject.key } : ward.subject;
  },
  check: gone,
});

export const DAMAGES: readonly Damage[] = [
  {
    what: 'a live token is missing from its owner’s index',
    found: { 'not-in-owner-index': 1 },
    wreck: async (ward) => {
      await ward.redis.zrem(ward.ownerIndex(ward.victim), ward.victim.id);
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'a live token is missing from its scope’s index',
    found: { 'not-in-scope-index': 1 },
    wreck: async (ward) => {
      await ward.redis.zrem(ward.scopeIndex(ward.victim), `${ward.victim.id}:${ward.victim.owner}`);
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'both indexes of a live token are gone, and the name of its scope',
    found: { 'not-in-owner-index': 1, 'not-in-scope-index': 1 },
    wreck: async (ward) => {
      await ward.redis.del(ward.ownerIndex(ward.victim), ward.scopeIndex(ward.victim));
      await ward.redis.srem(ward.scopes, 'shop:api');
      return ward.subject;
    },
    check: async (ward) => {
      assert.equal(await ward.redis.sismember(ward.scopes, 'shop:api'), 1);
      await ward.isWell();
    },
  },
  {
    what: 'an owner’s index has another expiry of a token',
    found: { 'other-expiry-in-owner-index': 1 },
    wreck: async (ward) => {
      await ward.redis.zincrby(ward.ownerIndex(ward.victim), -5_000, ward.victim.id);
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'a scope’s index has another expiry of a token, one that is over',
    found: { 'other-expiry-in-scope-index': 1 },
    wreck: async (ward) => {
      const member = `${ward.victim.id}:${ward.victim.owner}`;
      await ward.redis.zincrby(ward.scopeIndex(ward.victim), -100_000, member);
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'a record has no TTL',
    found: { 'record-without-ttl': 1 },
    wreck: async (ward) => {
      await ward.redis.persist(ward.recordKey(ward.victim.id));
      return ward.subject;
    },
    check: well,
  },
  ...[-5_000, 5_000].map(
    (by): Damage => ({
      what: `a record’s TTL is off by ${by} ms`,
      found: { 'record-with-other-ttl': 1 },
      wreck: async (ward) => {
        await ward.redis.pexpireat(ward.recordKey(ward.victim.id), ward.victim.expiresAt + by);
        return ward.subject;
      },
      check: well,
    }),
  ),
  {
    what: 'a record outlasts its token’s life',
    found: { 'record-without-ttl': 1, 'other-expiry-in-owner-index': 1, 'other-expiry-in-scope-index': 1 },
    wreck: async (ward) => {
      const { expiresAt } = ward.victim;
      await ward.rewrite((text) => text.replace(String(expiresAt), String(expiresAt - 100_000)));
      await ward.redis.persist(ward.recordKey(ward.victim.id));
      return ward.subject;
    },
    check: gone,
  },
  {
    what: 'a record was deleted by hand',
    found: { 'member-without-record': 1 },
    wreck: async (ward) => {
      await ward.redis.del(ward.recordKey(ward.victim.id));
      return ward.subject;
    },
    check: gone,
  },
  {
    what: 'a record was deleted by hand, and is missing from its owner’s index too',
    found: { 'member-without-record': 1 },
    wreck: async (ward) => {
      await ward.redis.del(ward.recordKey(ward.victim.id));
      await ward.redis.zrem(ward.ownerIndex(ward.victim), ward.victim.id);
      return ward.subject;
    },
    check: gone,
  },
  {
    what: 'another owner’s index holds a live token',
    found: { 'member-without-record': 1 },
    wreck: async (ward) => {
      const { id, expiresAt } = ward.victim;
      const others = ward.ownerIndex({ ...ward.victim, owner: 'dan' });
      await ward.redis.zadd(others, expiresAt, id);
      await ward.redis.pexpireat(others, expiresAt + DAY);
      await ward.redis.zadd(ward.scopeIndex(ward.victim), expiresAt, `${id}:dan`);
      return { ...ward.subject, owner: 'dan' };
    },
    check: async (ward) => {
      const [event, ...others] = await ward.world.facts();
      assert.deepEqual(event, { type: 'token-expired', subject: ward.victim.id, owner: 'dan' });
      assert.deepEqual(others, []);
      await ward.isWell();
    },
  },
  unreadable('is no JSON', () => 'garbage'),
  unreadable('ends in the middle of its owner', (text) => text.slice(0, 20)),
  unreadable('is of another form', () => '{"app":"shop"}'),
  unreadable('was written with other spaces', (text) => text.replace(',', ', ')),
  unreadable('is no Unicode', (text) => {
    const bytes = Buffer.from(text);
    bytes[bytes.indexOf('ann')] = 0xff;
    return bytes;
  }),
  unreadable('has data that nobody can read', (text) => text.replace('"{\\"a\\":[]}"', '"{"'), true),
  unreadable('has half an entry of data', (text) => text.replace(/\]$/, ',"half"]'), true),
  {
    what: 'a record’s key is of another type',
    found: { 'member-without-record': 1, 'key-of-other-type': 1 },
    wreck: async (ward) => {
      const { key } = ward.subject;
      await ward.redis.del(key);
      await ward.redis.hset(key, 'a', 'b');
      return ward.subject;
    },
    check: gone,
  },
  {
    what: 'an owner’s index is of another type',
    found: { 'not-in-owner-index': 1, 'key-of-other-type': 1 },
    wreck: async (ward) => {
      await ward.redis.set(ward.ownerIndex(ward.victim), 'x', 'EX', 1_000_000);
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'a scope’s index is of another type',
    found: { 'not-in-scope-index': 1, 'key-of-other-type': 1 },
    wreck: async (ward) => {
      await ward.redis.set(ward.scopeIndex(ward.victim), 'x');
      return ward.subject;
    },
    check: well,
  },
  {
    what: 'an index of nobody is of another type',
    found: { 'key-of-other-type': 1 },
    wreck: async (ward) => {
      const key = ward.ownerIndex({ ...ward.victim, owner: 'zoe' });
      await ward.redis.set(key, 'x', 'EX', 1_000_000);
      return { key };
    },
  },
  ...(['log', 'revoked', 'floor'] as const).map(
    (name): Damage => ({
      what: `the ${name} of a shard is of another type`,
      found: { 'key-of-other-type': 1 },
      wreck: async ({ redis, keys }) => {
        const key = keys[name](0);
        await redis.del(key);
        await (name === 'floor' ? redis.sadd(key, 'x') : redis.set(key, 'x'));
        return { key };
      },
      check: async ({ world, keys }) => {
        const id = scatteredId().replace(/^../, 'AA'); // of shard 0
        await world.create({ id, owner: 'zoe' });
        assert.isTrue(await world.delete(id), keys.log(0));
      },
    }),
  ),
  {
    what: 'the log is of another type, and a token is to be told of',
    found: { 'member-without-record': 1, 'key-of-other-type': 1 },
    wreck: async (ward) => {
      await ward.redis.del(ward.recordKey(ward.victim.id));
      await ward.redis.set(ward.keys.log(ward.shardOf(ward.victim.id)), 'x');
      return ward.subject;
    },
    check: async (ward) => assert.lengthOf(await ward.world.list(ward.victim.owner, { type: 'api' }), 0),
  },
  {
    what: 'a job’s decisions are of another type',
    found: { 'key-of-other-type': 1 },
    wreck: async ({ redis, keys }) => {
      const [key = ''] = await redis.keys(`{${keys.prefix}:*}:job:*`);
      await redis.set(key, 'x', 'EX', 1_000);
      return { key };
    },
  },
  {
    what: 'what all processes agree on is gone',
    found: { 'agreement-missing': 1 },
    wreck: async ({ redis, keys }) => {
      await redis.del(keys.meta);
      return { key: keys.meta };
    },
    check: agreed,
  },
  {
    what: 'a part of what all processes agree on is gone',
    found: { 'agreement-missing': 1 },
    wreck: async ({ redis, keys }) => {
      await redis.hdel(keys.meta, 'shards');
      return { key: keys.meta, field: 'shards' };
    },
    check: agreed,
  },
  {
    what: 'something else stands in place of what all processes agree on',
    found: { 'key-of-other-type': 1 },
    wreck: async ({ redis, keys }) => {
      await redis.set(keys.meta, 'x');
      return { key: keys.meta };
    },
    check: agreed,
  },
  {
    what: 'a scope is not among the scopes',
    found: { 'scope-not-listed': 1 },
    wreck: async (ward) => {
      await ward.redis.srem(ward.scopes, 'shop:api');
      return { key: ward.scopeIndex(ward.victim), app: 'shop', type: 'api' };
    },
    check: async (ward) => assert.equal(await ward.redis.sismember(ward.scopes, 'shop:api'), 1),
  },
  {
    what: 'an index has no TTL',
    found: { 'index-without-ttl': 1 },
    wreck: async (ward) => {
      await ward.redis.persist(ward.scopeIndex(ward.victim));
      return { key: ward.scopeIndex(ward.victim), app: 'shop', type: 'api' };
    },
  },
  {
    what: 'an index without TTL holds what is long overdue',
    found: { 'index-without-ttl': 1 },
    wreck: async (ward) => {
      const key = ward.ownerIndex({ ...ward.victim, owner: 'dan' });
      await ward.redis.zadd(
        key,
        (await serverTime(ward.redis)) - 3 * DAY,
        scatteredId().replace(/^../, ward.victim.id.slice(0, 2)),
      );
      return { key, app: 'shop', type: 'api', owner: 'dan' };
    },
    check: async (ward) => {
      assert.deepEqual(await ward.world.list('dan', { type: 'api' }), []);
      assert.lengthOf(await ward.world.events(), 1, 'it is still there to be told');
    },
  },
  {
    what: 'an index would go early',
    found: { 'index-ends-early': 1 },
    wreck: async (ward) => {
      const key = ward.ownerIndex(ward.victim);
      await ward.redis.pexpireat(key, ward.victim.expiresAt + DAY - 1);
      const { app, type, owner } = ward.victim;
      return { key, app, type, owner };
    },
    check: well,
  },
  {
    what: 'an index holds what is no token',
    found: { 'unreadable-member': 1 },
    wreck: async (ward) => {
      const key = ward.scopeIndex(ward.victim);
      await ward.redis.zadd(key, ward.victim.expiresAt - 1, 'nobody');
      return { key };
    },
    check: well,
  },
  {
    what: 'a job’s decisions have no TTL',
    found: { 'job-without-ttl': 1 },
    wreck: async ({ redis, keys }) => {
      const [key = ''] = await redis.keys(`{${keys.prefix}:*}:job:*`);
      await redis.persist(key);
      return { key };
    },
    check: async ({ redis, keys }) => {
      const [key = ''] = await redis.keys(`{${keys.prefix}:*}:job:*`);
      assert.isAtMost(await redis.pttl(key), 7 * DAY);
      assert.isAbove(await redis.pttl(key), 6 * DAY);
    },
  },
];
