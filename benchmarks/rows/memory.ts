// Bytes of Redis per token, beside the seed's, which has neither indexes nor events; the log of events is left out.
// Redis' tables double as keys become more, so each run weighs another number of tokens, up to twice the first.
import type { Bench } from '../bench.js';
import { fill } from '../fill.js';
import { inTurns, type Row } from '../measure.js';
import { ours } from '../peers/ours.js';
import { seed } from '../peers/seed.js';
import type { Subject } from '../peers/subject.js';

/** The most of the ratio, by tokens per owner. */
const TARGETS = new Map([
  [1, 1.4],
  [3, 1.25],
  [10, 1.2],
]);

const OWNER = 'place in the index of its owner';

type Part = 'record' | typeof OWNER | 'place in the index of its scope' | 'event in the log';

export async function memory({ redis, plan }: Bench): Promise<Row[]> {
  const weigh = async (open: () => Subject, tokensPerOwner: number, run: number): Promise<number> => {
    const count = Math.round(plan.weighed * 2 ** (run / plan.runs));
    await redis.empty();
    const before = await redis.usedMemory();
    const subject = open();
    await fill(subject, count, tokensPerOwner);
    await subject.close();
    // The same client asks before and after, and that of the subject is gone: its buffers are no tokens.
    const log = (await redis.client.memory('USAGE', '{rt:0}:log', 'SAMPLES', 0)) ?? 0;
    return ((await redis.usedMemory()) - before - log) / count;
  };

  /** Of the tokens that were weighed last: bytes of a record, of the indexes per token, and of the log per event. */
  const parts = async (count: number): Promise<Record<Part, number>> => {
    const bytes = async (key: string) => (await redis.client.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
    const sum = async (keys: string[]) => (await Promise.all(keys.map(bytes))).reduce((a, b) => a + b, 0);
    return {
      record: (await sum(await redis.client.keys('{rt:0}:t:*'))) / count,
      [OWNER]: (await sum(await redis.client.keys('{rt:0}:o:*'))) / count,
      'place in the index of its scope': (await sum(await redis.client.keys('{rt:0}:s:*'))) / count,
      'event in the log': (await bytes('{rt:0}:log')) / (await redis.client.xlen('{rt:0}:log')),
    };
  };

  const rows: Row[] = [];
  // What Redis keeps of scripts and clients is there before the first is weighed.
  await weigh(() => ours(redis.url()), 1, 0);
  for (const [tokensPerOwner, most] of TARGETS) {
    const [own, other] = await inTurns(
      plan.runs,
      (run) => weigh(() => ours(redis.url()), tokensPerOwner, run),
      (run) => weigh(() => seed(redis.url()), tokensPerOwner, run),
    );
    rows.push({
      group: 'memory',
      name: `Redis' memory per token, ${tokensPerOwner} per owner`,
      unit: 'bytes',
      ours: own,
      peer: other,
      against: 'redis-tokens 0.0.2',
      target: { most },
    });
    await weigh(() => ours(redis.url()), tokensPerOwner, 0);
    for (const [part, figure] of Object.entries(await parts(plan.weighed))) {
      const changes = part === OWNER;
      if (!changes && tokensPerOwner > 1) continue;
      const name = `${part}${changes ? `, ${tokensPerOwner} per owner` : ''}`;
      rows.push({
        group: 'memory',
        name,
        unit: 'bytes',
        ours: [figure],
        peer: [],
        against: '',
        target: undefined,
      });
    }
  }
  return rows;
}
