// What a prefix holds, played back from its log: whatever happened, record, both indexes and events must agree.
import { assert } from 'chai';
import type { Redis } from 'ioredis';

/** Names of the operations that change something, by the events that tell of them. */
const OPERATION_OF: Record<string, string> = {
  'token-created': 'create',
  'token-updated': 'update',
  'token-refreshed': 'refresh',
  'token-revoked': 'delete',
  'token-expired': 'expiry',
};

export interface Audit {
  /** Versions of what lives, by id. */
  readonly live: ReadonlyMap<string, number>;
  /** How often a change was made to a token, by its event. */
  count(id: string, operation: 'create' | 'update' | 'refresh' | 'delete'): number;
}

/** @param redis a client of RESP2's shapes. @throws where the parts disagree. */
export async function audit(redis: Redis, prefix: string): Promise<Audit> {
  const counts = new Map<string, number>();
  const told = new Map<string, { owner: string; version: number }>();
  const entries = (await redis.xrange(`{${prefix}:0}:log`, '-', '+')) as [string, string[]][];
  for (const [entry, fields] of entries) {
    const { type, subject, data } = JSON.parse(fields[1] as string);
    const key = `${subject} ${OPERATION_OF[type]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const before = told.get(subject);
    const what = `${type} of ${subject} (${entry})`;
    if (type === 'token-created') {
      assert.isUndefined(before, what);
      assert.equal(data.version, 1, what);
    } else {
      assert.isDefined(before, what);
      const changed = type === 'token-updated' || type === 'token-refreshed';
      if (type !== 'token-expired')
        assert.equal(data.version, (before?.version ?? 0) + (changed ? 1 : 0), what);
    }
    if (type === 'token-revoked' || type === 'token-expired') told.delete(subject);
    else told.set(subject, { owner: data.owner, version: data.version });
  }

  const stored = new Map<string, { owner: string; version: number }>();
  const byOwner = new Set<string>();
  const byScope = new Set<string>();
  const named = (await redis.keys(`{${prefix}:0}:*`)).map((key) => ({
    key,
    name: key.slice(prefix.length + 5),
  }));
  const records = named.filter(({ name }) => name.startsWith('t:'));
  const texts = records.length > 0 ? await redis.mget(records.map(({ key }) => key)) : [];
  for (const [i, { name }] of records.entries()) {
    const [, , owner, version] = JSON.parse(texts[i] as string);
    stored.set(name.slice(2), { owner, version });
  }
  for (const { key, name } of named) {
    const [kind, , , owner] = name.split(':');
    if (kind === 'o') {
      const members = await redis.zrange(key, '0', '-1');
      for (const id of members) byOwner.add(`${id}:${decodeURIComponent(owner as string)}`);
    } else if (kind === 's') {
      for (const member of await redis.zrange(key, '0', '-1')) byScope.add(member);
    }
  }
  assert.deepEqual(Object.fromEntries(stored), Object.fromEntries(told), 'records are what the log tells');
  const members = [...stored].map(([id, { owner }]) => `${id}:${owner}`).sort();
  assert.deepEqual([...byOwner].sort(), members, 'indexes of owners hold what lives');
  assert.deepEqual([...byScope].sort(), members, 'indexes of scopes hold what lives');
  return {
    live: new Map([...stored].map(([id, { version }]) => [id, version])),
    count: (id, operation) => counts.get(`${id} ${operation}`) ?? 0,
  };
}
