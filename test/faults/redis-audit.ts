// What a prefix holds, played back from its log: whatever happened, record, both indexes and events must agree.
import { assert } from 'chai';
import type { Redis } from 'ioredis';

/** Names of the operations that change something, by the events that tell of them. */
const OPERATION_OF: Record<string, string> = {
  'token-created': 'create',
  'token-updated': 'update',
  'token-refreshed': 'refresh',
  'token-rotated': 'rotate',
  'token-revoked': 'delete',
  'token-expired': 'expiry',
};

export interface Audit {
  /** Versions of what lives, by id. */
  readonly live: ReadonlyMap<string, number>;
  /** How often a change was made to a token, by its event: none that a reuse of another has made. */
  count(id: string, operation: 'create' | 'update' | 'refresh' | 'rotate' | 'delete'): number;
}

/** @param redis a client of RESP2's shapes. @throws where the parts disagree. */
export async function audit(redis: Redis, prefix: string): Promise<Audit> {
  const counts = new Map<string, number>();
  const successors = new Map<string, string>();
  const told = new Map<string, { owner: string; version: number }>();
  const entries = (await redis.xrange(`{${prefix}:0}:log`, '-', '+')) as [string, string[]][];
  for (const [entry, fields] of entries) {
    const { type, subject, data } = JSON.parse(fields[1] as string);
    const operation = data.reason === 'reused' ? 'reuse' : OPERATION_OF[type];
    const key = `${subject} ${operation}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const before = told.get(subject);
    const what = `${type} of ${subject} (${entry})`;
    if (type === 'token-created') {
      assert.isUndefined(before, what);
      assert.equal(data.version, 1, what);
    } else if (type === 'token-reused') {
      assert.isUndefined(before, what);
      continue;
    } else {
      assert.isDefined(before, what);
      const changed = ['token-updated', 'token-refreshed', 'token-rotated'].includes(type);
      if (type !== 'token-expired')
        assert.equal(data.version, (before?.version ?? 0) + (changed ? 1 : 0), what);
    }
    if (['token-revoked', 'token-expired', 'token-rotated'].includes(type)) told.delete(subject);
    else told.set(subject, { owner: data.owner, version: data.version });
    if (type === 'token-rotated') {
      assert.isUndefined(told.get(data.successor), what);
      successors.set(subject, data.successor);
      told.set(data.successor, { owner: data.owner, version: data.version });
    }
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
    const [first, , owner, version] = JSON.parse(texts[i] as string);
    if (first === 0) continue; // what is left of one that was rotated
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
    count: (id, operation) => {
      const count = (one: string) => counts.get(`${one} ${operation}`) ?? 0;
      let sum = count(id);
      // Who deletes a token as it is rotated deletes what has become of it.
      if (operation === 'delete')
        for (let next = successors.get(id); next !== undefined; next = successors.get(next))
          sum += count(next);
      return sum;
    },
  };
}
