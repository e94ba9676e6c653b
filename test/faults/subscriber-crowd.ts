// A crowd of tokens that several clients revoke at the same time, and what a subscriber must have heard of it then.
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { type RedisTokens, StoreUnavailableError } from '../../src/index.js';
import { type Ear, type Heard, SCOPE } from '../events/ear.js';
import { eventually } from '../support/eventually.js';

export interface Crowd {
  owners: { owner: string; tokens: string[] }[];
  /** Of all tokens. */
  ids: string[];
}

/** How long a subscriber may take to hear the last of it once nothing stands in its way any more, in ms. */
const PATIENCE = 15_000;

/** Clients of one deployment, on connections of their own. */
export async function openClients(ear: Ear, shards: number, count = 4): Promise<RedisTokens[]> {
  const clients = Array.from({ length: count }, () => ear.open({ shards }));
  for (const client of clients) await client.ready();
  return clients;
}

/** @param name of the owners, with a number behind it. */
export async function gather(
  clients: RedisTokens[],
  owners: number,
  each: number,
  name = 'owner',
): Promise<Crowd> {
  const crowd: Crowd = { owners: [], ids: [] };
  const create = async (client: RedisTokens, first: number) => {
    for (let i = first; i < owners; i += clients.length) {
      const owner = `${name}-${i}`;
      const made = await Promise.all(
        Array.from({ length: each }, () => client.create({ ...SCOPE, owner, duration: 600 })),
      );
      crowd.owners.push({ owner, tokens: made.map(({ token }) => token) });
      crowd.ids.push(...made.map(({ id }) => id));
    }
  };
  await Promise.all(clients.map(create));
  return crowd;
}

/**
 * Revokes them all, of every other owner one by one; the clients side by side. Resolves once each call has resolved: one
 * that Redis was not there for is made again, so that what it came to is known.
 * @param pause called by each client after each owner.
 */
export async function revoke(clients: RedisTokens[], crowd: Crowd, pause?: () => unknown): Promise<void> {
  const work = async (client: RedisTokens, first: number) => {
    for (let i = first; i < crowd.owners.length; i += clients.length) {
      const { owner, tokens } = crowd.owners[i] as Crowd['owners'][number];
      if (i % (2 * clients.length) < clients.length) {
        await persist(() => client.deleteAll({ ...SCOPE, owner }));
      } else {
        for (const token of tokens) await persist(() => client.delete({ ...SCOPE, token }));
      }
      await pause?.();
    }
  };
  await Promise.all(clients.map(work));
}

async function persist(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
  }
}

export const revocations = ({ events }: Heard) => events.filter(({ type }) => type === 'token-revoked');

/** Every revocation once, and in the order of its shard's log. */
export async function assertHeardOnce(
  heard: Heard,
  crowd: Crowd,
  redis: Redis,
  logKeys: string[],
): Promise<void> {
  const { subscriber } = heard;
  await eventually('it listens again', () => subscriber.connected, PATIENCE);
  const expected = [...crowd.ids].sort();
  const subjects = () =>
    revocations(heard)
      .map(({ subject }) => subject)
      .sort();
  const isComplete = () => new Set(subjects()).size >= expected.length;
  // Whether it came about or not, the comparison below tells what is missing.
  await eventually('all is heard', isComplete, PATIENCE).catch(() => {});
  assert.deepEqual(subjects(), expected, 'every token once');
  const ids = revocations(heard).map(({ id }) => id);
  for (const [shard, key] of logKeys.entries()) {
    const entries = await redis.xrange(key, '-', '+');
    const logged = entries
      .filter(([, [, event]]) => JSON.parse(event as string).type === 'token-revoked')
      .map(([id]) => `${shard}-${id}`);
    assert.isNotEmpty(logged, `of shard ${shard}`);
    assert.deepEqual(
      ids.filter((id) => id.startsWith(`${shard}-`)),
      logged,
      `shard ${shard}, in order`,
    );
  }
  assert.deepEqual(heard.lost, []);
}
