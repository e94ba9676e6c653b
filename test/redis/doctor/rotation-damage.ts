// Ways to damage what is left of tokens that were rotated.
import { assert } from 'chai';
import type { Damage, Ward } from './damage.js';

const DAY = 86_400_000;

const firstOf = async ({ redis, keys }: Ward, name: string): Promise<string> =>
  (await redis.keys(`{${keys.prefix}:*}:${name}`)).sort()[0] as string;

async function firstMarker({ redis, keys }: Ward): Promise<string> {
  for (const key of (await redis.keys(`{${keys.prefix}:*}:t:*`)).sort())
    if ((await redis.get(key))?.startsWith('[0,')) return key;
  throw new Error('nothing was rotated');
}

const persisted = async ({ redis }: Ward, key: string) => {
  await redis.persist(key);
  return { key };
};

async function goesWithin({ redis, keys }: Ward, ms: number): Promise<void> {
  for (const name of ['t:*', 'f:*', 'nonce:*']) {
    for (const key of await redis.keys(`{${keys.prefix}:*}:${name}`)) {
      const left = await redis.pttl(key);
      assert.isAtMost(left, ms, key);
      assert.notEqual(left, -1, key);
    }
  }
}

export const ROTATION_DAMAGES: Damage[] = [
  {
    what: 'the marker of a rotated token has no TTL',
    found: { 'rotation-without-ttl': 1 },
    wreck: async (ward) => persisted(ward, await firstMarker(ward)),
    check: (ward) => goesWithin(ward, 7 * DAY),
  },
  {
    what: 'a family has no TTL',
    found: { 'rotation-without-ttl': 1 },
    wreck: async (ward) => persisted(ward, await firstOf(ward, 'f:*')),
    check: (ward) => goesWithin(ward, 7 * DAY),
  },
  {
    what: 'what a successor follows from would stay for ever',
    found: { 'rotation-without-ttl': 1 },
    wreck: async (ward) => persisted(ward, await firstOf(ward, 'nonce:*')),
    check: (ward) => goesWithin(ward, 7 * DAY),
  },
  {
    what: 'a family is of another type',
    found: { 'key-of-other-type': 1 },
    wreck: async (ward) => {
      const key = await firstOf(ward, 'f:*');
      await ward.redis.set(key, 'x', 'PX', DAY);
      return { key };
    },
  },
  {
    what: 'a marker can not be read',
    found: { 'unreadable-record': 1 },
    wreck: async (ward) => {
      const key = await firstMarker(ward);
      await ward.redis.set(key, '[0,"shop","session","cid"]', 'KEEPTTL');
      return { key };
    },
  },
];
