// Moves everything that the library stored under a prefix into the past: what waiting would do, without waiting.
import type { Redis } from 'ioredis';

const MICROS_PER_MS = 1_000;

/** Places in a record: `[app, type, owner, version, createdAt, expiresAt, refreshedAt, {…}?, …]`. */
const CREATED_AT = 4;
const EXPIRES_AT = 5;
const REFRESHED_AT = 6;
const ATTRIBUTES = 7;

/** In the marker of a token that was rotated. */
const GRACE_ENDS = 7;

/** In the signpost to the id that a token has moved to. */
const SINCE = 4;

/** @param redis a client of the one server that holds the prefix; nothing else may use the prefix meanwhile. */
export async function moveIntoPast(redis: Redis, prefix: string, ms: number): Promise<void> {
  const now = await serverTime(redis);
  for (const key of await redis.keys(`{${prefix}:*`)) {
    // Where the key's life ends before now, it goes with all that it holds.
    const ends = Number(await redis.call('PEXPIRETIME', key));
    if (ends >= 0 && ends - ms <= now) {
      await redis.del(key);
      continue;
    }
    const name = key.slice(key.indexOf('}:') + 2);
    if (name.startsWith('f:')) await moveScores(redis, key, ms);
    if (name.startsWith('t:')) await moveRecord(redis, key, ms);
    else if (name.startsWith('o:') || name.startsWith('s:')) await moveScores(redis, key, ms);
    else if (name === 'revoked') await moveScores(redis, key, ms * MICROS_PER_MS);
    else if (name.startsWith('job:')) await moveDecisions(redis, key, ms);
    else if (name === 'floor') await moveFloor(redis, key, ms * MICROS_PER_MS);
    if (ends >= 0) await redis.call('PEXPIREAT', key, ends - ms);
  }
}

/** Milliseconds by the server's clock. */
export async function serverTime(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / MICROS_PER_MS);
}

async function moveRecord(redis: Redis, key: string, ms: number): Promise<void> {
  const text = await redis.get(key);
  if (text === null) return; // it has just expired
  await redis.set(key, earlier(text, ms), 'KEEPTTL', 'XX');
}

/** A record, or a marker, with its times moved. */
function earlier(text: string, ms: number): string {
  const record = JSON.parse(text);
  if (record[0] === 0) {
    if (record.length === 5) record[SINCE] -= ms;
    else record[GRACE_ENDS] -= ms * MICROS_PER_MS;
    return JSON.stringify(record);
  }
  record[CREATED_AT] -= ms * MICROS_PER_MS;
  record[EXPIRES_AT] -= ms;
  if (record[REFRESHED_AT] > 0) record[REFRESHED_AT] -= ms * MICROS_PER_MS;
  const attributes = record[ATTRIBUTES];
  if (typeof attributes === 'object') {
    for (const name of ['absoluteExpiresAt', 'lastUsedAt', 'rotated'])
      if (name in attributes) attributes[name] -= ms;
    if (attributes.spared) attributes.spared -= ms * MICROS_PER_MS;
  }
  return JSON.stringify(record);
}

async function moveScores(redis: Redis, key: string, by: number): Promise<void> {
  const members = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  const pipeline = redis.pipeline();
  for (let i = 0; i < members.length; i += 2) {
    const score = Number(members[i + 1]);
    if (!Number.isFinite(score) || score === 0) continue; // no time
    pipeline.zadd(key, score - by, members[i] as string);
  }
  await pipeline.exec();
}

/** `code:number:microseconds:milliseconds` of each command; what is no time is far smaller. */
async function moveDecisions(redis: Redis, key: string, ms: number): Promise<void> {
  for (const [command, decision] of Object.entries(await redis.hgetall(key))) {
    if (command.endsWith(':record')) await redis.hset(key, command, earlier(decision, ms));
    if (command.includes(':')) continue; // that, or a count
    const [code, number, micros, millis] = decision.split(':');
    const createdAt = Number(micros) > 1e14 ? Number(micros) - ms * MICROS_PER_MS : micros;
    const expiresAt = Number(millis) > 1e11 ? Number(millis) - ms : millis;
    await redis.hset(key, command, [code, number, createdAt, expiresAt].join(':'));
  }
}

async function moveFloor(redis: Redis, key: string, by: number): Promise<void> {
  await redis.set(key, String(Number(await redis.get(key)) - by), 'KEEPTTL');
}
