// What the killing left in Redis: the log, the records, the indexes, and the jobs.
import type { Redis } from 'ioredis';
import { RedisTokens, type TokenEvent, type TokenRecord } from '../../../src/index.js';
import { type LaneQueue, laneOf, queueOf, queuesOf } from '../../../src/queue/lanes.js';
import { Keys } from '../../../src/redis/keys.js';
import type { Entry, Ledger } from './ledger.js';

export const SHARDS = 2;
export const PARTITIONS = 2;

export const QUEUES = queuesOf(PARTITIONS);

/** How often a job was begun, and how often its worker was found dead. */
export interface Job {
  attempts: number;
  stalls: number;
}

export interface Stored {
  /** In order for each token. */
  events: TokenEvent[];
  /** What a reader sees of every token that was ever asked for, by id. */
  readable: Map<string, TokenRecord>;
  /** `<app> <type> <owner> <id> <expiresAt>`, as texts of the keys. */
  byOwner: string[];
  byScope: string[];
  /** Ids of the records that there are. */
  records: string[];
  jobs: Map<string, Job>;
  /** Jobs that are not over, and dead letters: `<lane> <state>: <count>`. */
  left: string[];
}

/** Where BullMQ keeps something of a queue. */
export const bull = (prefix: string, queue: LaneQueue, name: string): string =>
  new Keys(prefix).queuedJob(queue, name);

const queueIn = ({ op, receipt: { jobId } }: Entry): LaneQueue => queueOf(laneOf(op), jobId, PARTITIONS);

export async function readStored(redis: Redis, url: string, prefix: string, ledger: Ledger): Promise<Stored> {
  const stored: Stored = {
    events: [],
    readable: await readTokens(url, prefix, ledger),
    byOwner: [],
    byScope: [],
    records: [],
    jobs: await readJobs(redis, prefix, ledger),
    left: await jobsLeft(redis, prefix),
  };
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const [entry, [, event]] of await redis.xrange(`{${prefix}:${shard}}:log`, '-', '+')) {
      stored.events.push({ ...JSON.parse(event as string), id: `${shard}-${entry}` });
    }
    for (const key of await redis.keys(`{${prefix}:${shard}}:*`)) {
      const [kind, ...names] = key.slice(key.indexOf('}:') + 2).split(':');
      // What is left of one that was rotated is no record.
      if (kind === 't' && !(await redis.get(key))?.startsWith('[0,')) stored.records.push(names[0] as string);
      if (kind !== 'o' && kind !== 's') continue;
      const members = await redis.zrange(key, '0', '-1', 'WITHSCORES');
      for (let i = 0; i < members.length; i += 2) {
        const [id, owner] = [members[i]?.slice(0, 22), members[i]?.slice(23)];
        const [app, type, named] = names;
        const text = `${app} ${type} ${kind === 'o' ? named : owner} ${id} ${members[i + 1]}`;
        (kind === 'o' ? stored.byOwner : stored.byScope).push(text);
      }
    }
  }
  return stored;
}

/** Index members that are to expire within a minute, or are overdue: a sweep has still to end them. */
export async function countDying(redis: Redis, prefix: string): Promise<number> {
  const [seconds] = await redis.time();
  const soon = (Number(seconds) + 60) * 1_000;
  let count = 0;
  for (const key of await redis.keys(`{${prefix}:*}:s:*`)) count += await redis.zcount(key, '-inf', soon);
  return count;
}

export async function jobsLeft(redis: Redis, prefix: string): Promise<string[]> {
  const left: string[] = [];
  for (const queue of QUEUES) {
    const counts = {
      waiting: await redis.llen(bull(prefix, queue, 'wait')),
      active: await redis.llen(bull(prefix, queue, 'active')),
      delayed: await redis.zcard(bull(prefix, queue, 'delayed')),
      prioritized: await redis.zcard(bull(prefix, queue, 'prioritized')),
      'dead letters': await redis.zcard(bull(prefix, queue, 'failed')),
    };
    for (const [state, count] of Object.entries(counts))
      if (count > 0) left.push(`${queue.lane} ${state}: ${count}`);
  }
  return left;
}

async function readTokens(url: string, prefix: string, ledger: Ledger): Promise<Map<string, TokenRecord>> {
  const door = new RedisTokens(url, { prefix, shards: SHARDS });
  try {
    const readable = new Map<string, TokenRecord>();
    await inParts([...ledger.tokens], async ([id, presented]) => {
      const found = await door.get({ ...presented, touch: false });
      if (!found) return;
      const { token: _, ...record } = found;
      readable.set(id, record);
    });
    return readable;
  } finally {
    await door.close();
  }
}

async function readJobs(redis: Redis, prefix: string, ledger: Ledger): Promise<Map<string, Job>> {
  const jobs = new Map<string, Job>();
  await inParts(ledger.entries, async (entry) => {
    const { jobId } = entry.receipt;
    const key = bull(prefix, queueIn(entry), jobId);
    const [attempts, stalls] = await redis.hmget(key, 'ats', 'stc');
    jobs.set(jobId, { attempts: Number(attempts), stalls: Number(stalls) });
  });
  return jobs;
}

/** Some at a time, so that none waits for longer than its timeout. */
export async function inParts<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += 200) await Promise.all(items.slice(i, i + 200).map(run));
}
