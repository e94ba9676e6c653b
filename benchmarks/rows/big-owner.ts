// An owner with very many tokens: made by one worker, whose heap is weighed; then listed, and revoked at once.
import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Bench } from '../bench.js';
import { createOf, enqueue, jobsUnderWay } from '../commands.js';
import { secondsSince } from '../load.js';
import { inTurns, type Row } from '../measure.js';
import { APP, TYPE } from '../payload.js';
import { RedisTokens, TokenProducer } from '../peers/ours.js';
import { Child } from '../processes/child.js';

const OWNER = { app: APP, type: TYPE, owner: 'owner-big' };

/** What list gives at most. */
const LIMIT = 10_000;

/** At which further parts of all commands the worker is weighed. */
const WEIGHINGS = [0.3, 0.3, 0.3];

/** What may be there more than before and is no growth: compiled code, and what happens to be under way. */
const HEAP_GROWTH = 1.05;

/** Lists while PINGs are timed: one takes but milliseconds. */
const LISTS = 20;

/** Milliseconds: between two looks whether the worker is done, and of PINGs while nothing happens. */
const LOOK = 20;
const QUIET = 1_000;

const PING = { group: 'big-owner', unit: 'ms', peer: [], against: '' };

export async function bigOwner(bench: Bench): Promise<Row[]> {
  const leak = await leakOf(bench);
  const pinger = await Child.start('pinger', bench.redis.url());
  try {
    return [...leak, ...(await listOf(bench, pinger)), ...(await deleteAllOf(bench, pinger))];
  } finally {
    await pinger.end();
  }
}

/** What one worker holds after a tenth of its commands, and at three points later. */
async function leakOf({ redis, plan, log }: Bench): Promise<Row[]> {
  const producer = new TokenProducer(redis.url());
  const worker = await Child.start('token-worker', redis.url(), '--expose-gc');
  try {
    await worker.ask('start');
    const create = createOf(() => OWNER.owner);
    const early = plan.owned / 10;
    const weighed: { heap: number; handles: number }[] = [];
    for (const count of [early, ...WEIGHINGS.map((part) => plan.owned * part)]) {
      await enqueue(producer, count, create);
      await idle(redis.client);
      weighed.push(await worker.ask('weigh'));
    }
    const begin = weighed[0] as { heap: number; handles: number };
    const later = weighed.slice(1);
    log(`heap of the worker: ${weighed.map(({ heap }) => `${(heap / 1e6).toFixed(1)} MB`).join(', ')}`);

    const row = (name: string, unit: string, most: number, figure: (of: typeof begin) => number): Row => ({
      group: 'big-owner',
      name: `${name} of a worker, up to ${plan.owned.toLocaleString('en')} commands`,
      unit,
      ours: later.map(figure),
      peer: later.map(() => figure(begin)),
      against: `after ${early.toLocaleString('en')}`,
      target: { most },
    });
    return [
      row('heap', 'MB', HEAP_GROWTH, ({ heap }) => heap / 1e6),
      row('open handles', '', 1, ({ handles }) => handles),
    ];
  } finally {
    await worker.end();
    await producer.close();
  }
}

/** How long another client waits while a page is listed, again and again, and while nothing happens. */
async function listOf({ redis, plan }: Bench, pinger: Child): Promise<Row[]> {
  const tokens = new RedisTokens(redis.url());
  try {
    const listed = () =>
      longestPing(pinger, async () => {
        for (let count = 0; count < LISTS; count += 1) {
          const { length } = await tokens.list({ ...OWNER, limit: LIMIT });
          if (length !== LIMIT) throw new Error(`list gave ${length} tokens`);
        }
      });
    const [lists, nothing] = await inTurns(
      plan.runs,
      async () => (await listed()).longest,
      async () => (await longestPing(pinger, () => wait(QUIET))).longest,
    );
    return [
      { ...PING, name: 'longest PING while nothing happens', ours: nothing, target: undefined },
      {
        ...PING,
        name: `longest PING while ${LIMIT.toLocaleString('en')} of one owner's tokens are listed`,
        ours: lists,
        target: undefined,
      },
    ];
  } finally {
    await tokens.close();
  }
}

/** How long another client waits while all of the owner's tokens are revoked, and how fast that goes. */
async function deleteAllOf({ redis, plan }: Bench, pinger: Child): Promise<Row[]> {
  await dropQueues(redis.client);
  await redis.keep();
  const figures = { alone: newFigures(), heard: newFigures() };
  for (let run = 0; run < plan.runs; run += 1) {
    for (const way of ['alone', 'heard'] as const) {
      await redis.restore();
      const subscriber = way === 'heard' ? await Child.start('subscriber', redis.url()) : undefined;
      const tokens = new RedisTokens(redis.url());
      await tokens.ready();
      const { longest, seconds } = await longestPing(pinger, async () => {
        const ended = await tokens.deleteAll(OWNER);
        if (ended !== plan.owned) throw new Error(`deleteAll ended ${ended} tokens`);
      });
      figures[way].longest.push(longest);
      figures[way].rate.push(plan.owned / seconds);
      await tokens.close();
      await subscriber?.end();
    }
  }
  const all = `deleteAll of ${plan.owned.toLocaleString('en')} tokens`;
  const rate = { ...PING, unit: '/s' };
  return [
    { ...rate, name: all, ours: figures.alone.rate, target: { least: 100_000 } },
    { ...PING, name: `longest PING during ${all}`, ours: figures.alone.longest, target: { most: 15 } },
    { ...rate, name: `${all}, one subscriber`, ours: figures.heard.rate, target: { least: 75_000 } },
    {
      ...PING,
      name: `longest PING during ${all}, one subscriber`,
      ours: figures.heard.longest,
      target: undefined,
    },
  ];
}

const newFigures = () => ({ longest: [] as number[], rate: [] as number[] });

async function longestPing(pinger: Child, action: () => Promise<unknown>) {
  await pinger.ask('begin');
  const begin = process.hrtime.bigint();
  await action();
  const seconds = secondsSince(begin);
  return { seconds, longest: await pinger.ask<number>('longest') };
}

/** Resolves when no command waits and none is under way. */
async function idle(redis: Redis): Promise<void> {
  while ((await jobsUnderWay(redis)) > 0) await wait(LOOK);
}

/** What the worker has left of the commands is not to be kept and brought back with the tokens. */
async function dropQueues(redis: Redis): Promise<void> {
  for (const match of ['{rt}:commands:*', '{rt:0}:job:*']) {
    for await (const keys of redis.scanStream({ match, count: 10_000 })) {
      if (keys.length > 0) await redis.unlink(...(keys as string[]));
    }
  }
}
