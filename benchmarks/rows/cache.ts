// The near cache beside a plain get of ours, and beside raw ioredis.
import type { Bench } from '../bench.js';
import { fill } from '../fill.js';
import { oneOf, perSecond } from '../load.js';
import { fastest, inTurns, type Row } from '../measure.js';
import { isData } from '../payload.js';
import { ConfigError, ours, type TokenOptions } from '../peers/ours.js';
import { raw } from '../peers/raw.js';
import type { Subject } from '../peers/subject.js';

const IN_FLIGHT = 64;

const OPTIONS = { cache: { max: 10_000, ttl: 5_000 } } as TokenOptions;

const against = (peer: string, least: number) => ({
  group: 'cache',
  name: `get from the near cache, ${IN_FLIGHT} in flight`,
  unit: '/s',
  against: peer,
  target: { least },
});

const WITHOUT = against('get without a cache', 8);
const RAW = against('raw ioredis, the faster of both ways', 500_000 / 70_000);

export async function cache({ redis, plan }: Bench): Promise<Row[]> {
  const near = openCached(redis.url());
  if (!near) return [WITHOUT, RAW].map((row) => ({ ...row, ours: [], peer: [] }));
  const plain = ours(redis.url());
  const bare = raw(redis.url(1));
  const pipelined = raw(redis.url(1), true);
  try {
    const tokens = await fill(plain, plan.few);
    const keys = await fill(bare, plan.few);
    const rate = (subject: Subject, all: string[]) =>
      perSecond(
        IN_FLIGHT,
        plan.milliseconds,
        () => subject.get(oneOf(all)),
        (answer) => isData(subject.dataIn(answer)),
      );
    const measurements = [
      () => rate(near, tokens),
      () => rate(plain, tokens),
      () => rate(bare, keys),
      () => rate(pipelined, keys),
    ] as const;
    await inTurns(1, ...measurements);
    const [cached, uncached, gets, more] = await inTurns(plan.manyRuns, ...measurements);
    return [
      { ...WITHOUT, ours: cached, peer: uncached },
      { ...RAW, ours: cached, peer: fastest(gets, more) },
    ];
  } finally {
    await Promise.all([near, plain, bare, pipelined].map((subject) => subject.close()));
  }
}

/** Nothing where this version has no near cache. */
function openCached(url: string): Subject | undefined {
  try {
    return ours(url, OPTIONS);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
