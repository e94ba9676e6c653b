// The repository on Redis as a subject of the contract suite, with a look at what it left in Redis.
import type { Redis } from 'ioredis';
import { Keys } from '../../src/redis/keys.js';
import { Invalidations } from '../../src/redis/near-cache/invalidations.js';
import { NearCache } from '../../src/redis/near-cache/near-cache.js';
import {
  type CacheOptions,
  type ResolvedCacheOptions,
  resolveCacheOptions,
} from '../../src/redis/near-cache/options.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import type { Commands } from '../../src/tokens/commands.js';
import { shardOf } from '../../src/tokens/identity.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import type { TokenRepository } from '../../src/tokens/repository.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { moveIntoPast } from '../support/time-travel.js';
import type { Contents, Member, Subject, SubjectOptions } from './subject.js';
import { scatteredId } from './world.js';

/** What every get of the suite is answered is what the near cache has kept. */
class ReadsTwice extends NearCache {
  readonly #invalidations: Invalidations;

  constructor(repository: TokenRepository, invalidations: Invalidations, options: ResolvedCacheOptions) {
    super(repository, invalidations, options);
    this.#invalidations = invalidations;
  }

  override async get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    await this.#invalidations.settled(); // what was changed before would keep the reply from being kept
    return (await super.get(command, commandId)) && super.get(command);
  }
}

export interface RedisSubject extends Subject {
  readonly redis: Redis;
  readonly prefix: string;
}

/**
 * @param cache given where the repository is to have a near cache.
 * @param users given where the repository is to be a user of no more than its own rights.
 */
export async function openRedisSubject(
  options: SubjectOptions,
  shards: number,
  cache?: CacheOptions,
  users?: { url: string; of(prefix: string): Promise<string> },
): Promise<RedisSubject> {
  const admin = users?.url ?? (await sharedRedis()).url;
  const prefix = freshPrefix();
  const url = users ? await users.of(prefix) : admin;
  const resolved = resolveTokenOptions({ ...options, shards, prefix });
  const store = new Store(url, resolved.timeout);
  const plain = new RedisTokenRepository(store, resolved);
  const invalidations =
    cache && new Invalidations(url, new Keys(prefix).records(shards), store, resolved.timeout);
  const repository = invalidations ? new ReadsTwice(plain, invalidations, resolveCacheOptions(cache)) : plain;
  const redis = openPlain(admin, { maxRetriesPerRequest: null });
  return {
    repository,
    redis,
    prefix,
    advance: async (ms) => {
      await moveIntoPast(redis, prefix, ms);
      await invalidations?.settled(); // time moves for the near cache when it hears of it
    },
    events: async () => {
      const events = [];
      for (let shard = 0; shard < shards; shard++) {
        for (const [entry, [, event]] of await redis.xrange(`{${prefix}:${shard}}:log`, '-', '+')) {
          events.push({ ...JSON.parse(event as string), id: `${shard}-${entry}` });
        }
      }
      return events;
    },
    contents: () => readContents(redis, prefix, shards),
    fillMarks: async (count, stamp) => {
      for (let shard = 0; shard < shards; shard++) {
        const marks = Array.from({ length: count }, () => [stamp, `id:${scatteredId()}`]).flat();
        for (let i = 0; i < marks.length; i += 20_000) {
          await redis.zadd(`{${prefix}:${shard}}:revoked`, ...marks.slice(i, i + 20_000));
        }
      }
    },
    close: async () => {
      await repository.close();
      const keys = await redis.keys(`{${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      await redis.quit();
    },
  };
}

async function readContents(redis: Redis, prefix: string, shards: number): Promise<Contents> {
  const contents: Contents = { records: [], byOwner: [], byScope: [] };
  for (const key of await redis.keys(`{${prefix}:*`)) {
    const [, shard, name = ''] = /:(\d+)\}:(.*)$/s.exec(key) ?? [];
    const [kind, ...segments] = name.split(':');
    const [app = '', type = '', owner = ''] = segments.map(decodeURIComponent);
    if (kind === 't') contents.records.push(...(await readRecord(redis, key, segments[0] as string)));
    if (kind !== 'o' && kind !== 's') continue;
    for (const [member, expiresAt] of await readScores(redis, key)) {
      const id = member.slice(0, 22);
      if (String(shardOf(id, shards)) !== shard) throw new Error(`${id} lies in the wrong shard: ${key}`);
      if (kind === 'o') contents.byOwner.push({ app, type, owner, id, expiresAt });
      else contents.byScope.push({ app, type, owner: member.slice(23), id, expiresAt });
    }
    await checkOutlives(redis, key);
  }
  return contents;
}

/** A record that has just gone reads as one that was over long ago. */
async function readRecord(redis: Redis, key: string, id: string): Promise<Member[]> {
  const [text, ends] = await Promise.all([redis.get(key), redis.call('PEXPIRETIME', key)]);
  const isGone = text === null || ends === -2;
  if (text?.startsWith('[0,')) return []; // what is left of one that was rotated
  const [app, type, owner, , , expiresAt] = JSON.parse(isGone ? '["","","",0,0,0]' : text);
  if (!isGone && ends !== expiresAt) throw new Error(`${key} expires at ${ends}, its record at ${expiresAt}`);
  return [{ app, type, owner, id, expiresAt }];
}

async function readScores(redis: Redis, key: string): Promise<[string, number][]> {
  const flat = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  return flat.flatMap((member, i) =>
    i % 2 === 0 ? [[member, Number(flat[i + 1])] as [string, number]] : [],
  );
}

/** An index lives a day longer than its latest member. */
async function checkOutlives(redis: Redis, key: string): Promise<void> {
  const [, latest] = await redis.zrange(key, '0', '0', 'REV', 'WITHSCORES');
  const ends = Number(await redis.call('PEXPIRETIME', key));
  if (ends < Number(latest) + 86_400_000)
    throw new Error(`${key} goes at ${ends}, with a member until ${latest}`);
}
