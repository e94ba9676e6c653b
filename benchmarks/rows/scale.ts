// One deployment with few tokens and one with many, in turns: SWAPDB puts the one or the other where we look.
import type { Bench } from '../bench.js';
import { addPoint } from '../curves.js';
import { fill } from '../fill.js';
import { oneOf, perSecond, times } from '../load.js';
import { inTurns, median, type Row } from '../measure.js';
import { APP, DURATION, data, isData, ownerOf, TYPE } from '../payload.js';
import { ours } from '../peers/ours.js';

const IN_FLIGHT = 64;

/** The log is trimmed from about here on: both deployments are to pay for that, or neither. */
const LOG_ENTRIES = 110_000;

/** Owners of the tokens that are made while create is measured; they are ended before the next turn. */
const PASSING_OWNERS = 100;

const SCOPE = { app: APP, type: TYPE };

export async function scale({ redis, plan, curves, log }: Bench): Promise<Row[]> {
  const subject = ours(redis.url());
  const { tokens } = subject;
  try {
    const few = await fill(subject, plan.few);
    const entries = Math.min(LOG_ENTRIES, plan.many);
    await times(entries, IN_FLIGHT, () =>
      tokens.refresh({ ...SCOPE, token: oneOf(few), duration: DURATION }),
    );
    await redis.client.swapdb(0, 1);
    log(`${plan.many.toLocaleString('en')} tokens`);
    const many = await fill(subject, plan.many);

    // From here on the many are in database 0, and the few in 1.
    const beside = async (all: string[], measure: (all: string[]) => Promise<number>) => {
      if (all === many) return measure(many);
      await redis.client.swapdb(0, 1);
      const rate = await measure(few);
      await redis.client.swapdb(0, 1);
      return rate;
    };

    const operations: Record<string, { least: number; measure: (all: string[]) => Promise<number> }> = {
      get: {
        least: 0.9,
        measure: (all) =>
          perSecond(
            IN_FLIGHT,
            plan.milliseconds,
            () => subject.get(oneOf(all)),
            (answer) => isData(subject.dataIn(answer)),
          ),
      },
      create: {
        least: 0.65,
        measure: async (all) => {
          const owners = Array.from({ length: PASSING_OWNERS }, (_, index) => ownerOf(all.length + index, 1));
          const rate = await perSecond(IN_FLIGHT, plan.milliseconds, () =>
            tokens.create({ ...SCOPE, owner: oneOf(owners), data, duration: DURATION }),
          );
          await Promise.all(owners.map((owner) => tokens.deleteAll({ ...SCOPE, owner })));
          return rate;
        },
      },
      refresh: {
        least: 0.65,
        measure: (all) =>
          perSecond(
            IN_FLIGHT,
            plan.milliseconds,
            () => tokens.refresh({ ...SCOPE, token: oneOf(all), duration: DURATION }),
            (answer) => isData(subject.dataIn(answer)),
          ),
      },
    };

    const alone = () => perSecond(1, plan.milliseconds, () => subject.get(oneOf(many)));
    await alone();
    const [rates] = await inTurns(plan.runs, alone);
    addPoint(curves, subject.name, plan.many, median(rates));

    const rows: Row[] = [];
    for (const [name, { least, measure }] of Object.entries(operations)) {
      await beside(many, measure);
      await beside(few, measure);
      const [withMany, withFew] = await inTurns(
        plan.manyRuns,
        () => beside(many, measure),
        () => beside(few, measure),
      );
      rows.push({
        group: 'scale',
        name: `${name}, ${plan.many.toLocaleString('en')} tokens`,
        unit: '/s',
        ours: withMany,
        peer: withFew,
        against: `${plan.few.toLocaleString('en')} tokens`,
        target: { least },
      });
    }
    return rows;
  } finally {
    await subject.close();
  }
}
