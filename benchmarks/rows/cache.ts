// The near cache beside a plain get of ours, and beside raw ioredis.
import type { Bench } from '../bench.js';
import { fill } from '../fill.js';
import { oneOf, perSecond } from '../load.js';
import { inTurns, type Row } from '../measure.js';
import { isData } from '../payload.js';
import { ConfigError, ours, type TokenOptions } from '../peers/ours.js';
import { raw } from '../peers/raw.js';
import type { Subject } from '../peers/subject.js';

const IN_FLIGHT = 64;

const OPTIONS = { cache: { max: 10_000, ttl: 5_000 } } as TokenOptions;

export async function cache({ redis, plan, log }: Bench): Promise<Row[]> {
  const near = openCached(redis.url());
  if (!near) {
    log('cache: not available');
    return [];
  }
  const plain = ours(redis.url());
  const bare = raw(redis.url(1));
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
    const [cached, uncached, gets] = await inTurns(
      plan.manyRuns + 1,
      () => rate(near, tokens),
      () => rate(plain, tokens),
      () => rate(bare, keys),
    );
    // The first of each has warmed them up.
    const [own, other, rawOnes] = [cached.slice(1), uncached.slice(1), gets.slice(1)];
    return [
      {
        group: 'cache',
        name: `get from the near cache, ${IN_FLIGHT} in flight`,
        unit: '/s',
        ours: own,
        peer: other,
        against: 'get without a cache',
        target: { least: 8 },
      },
      {
        group: 'cache',
        name: `get from the near cache, ${IN_FLIGHT} in flight`,
        unit: '/s',
        ours: own,
        peer: rawOnes,
        against: 'raw ioredis',
        target: { least: 500_000 / 70_000 },
      },
    ];
  } finally {
    await Promise.all([near, plain, bare].map((subject) => subject.close()));
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
