// Gets beside other packages, while the tokens become more and more: rows at the largest of the seed's and the chart.
import type { Bench } from '../bench.js';
import { addPoint } from '../curves.js';
import { Population } from '../fill.js';
import { oneOf, perSecond } from '../load.js';
import { inTurns, median, type Row } from '../measure.js';
import { isData } from '../payload.js';
import { connectRedis } from '../peers/connect-redis.js';
import { ours } from '../peers/ours.js';
import { raw } from '../peers/raw.js';
import { redisSessions } from '../peers/redis-sessions.js';
import { seed } from '../peers/seed.js';
import type { Subject } from '../peers/subject.js';

/** At how many tokens the rows are taken. */
const ROWS_AT = 100_000;

/** Measurements before the first that counts, until all code that takes part is compiled. */
const FIRST_WARM_UPS = 4;

export async function peers({ redis, plan, curves, log }: Bench): Promise<Row[]> {
  const mine = ours(redis.url(0));
  const old = seed(redis.url(2));
  const sessions = redisSessions(redis.url(3));
  const store = await connectRedis(redis.url(4));
  const subjects: Subject[] = [mine, raw(redis.url(1)), old, sessions, store];
  const populations = new Map(subjects.map((subject) => [subject, new Population(subject, redis.client)]));

  const rate = (subject: Subject, inFlight: number, milliseconds = plan.milliseconds) => {
    const { tokens } = populations.get(subject) as Population;
    return perSecond(
      inFlight,
      milliseconds,
      () => subject.get(oneOf(tokens)),
      (answer) => isData(subject.dataIn(answer)),
    );
  };

  const compare = async (peer: Subject, inFlight: number, least: number, about = ''): Promise<Row> => {
    await rate(mine, inFlight, plan.milliseconds / 2);
    await rate(peer, inFlight, plan.milliseconds / 2);
    const [own, others] = await inTurns(
      plan.manyRuns,
      () => rate(mine, inFlight),
      () => rate(peer, inFlight),
    );
    return {
      group: 'peers',
      name: `get, ${inFlight} in flight${about}`,
      unit: '/s',
      ours: own,
      peer: others,
      against: peer.name,
      target: { least },
    };
  };

  const rows: Row[] = [];
  try {
    for (const count of plan.growth) {
      log(`${count.toLocaleString('en')} tokens of each`);
      // Ours with more are measured where they are made: in the rows of scale.
      const present = subjects.filter((subject) => subject !== mine || count <= ROWS_AT);
      for (const subject of present) await populations.get(subject)?.growTo(count);
      const one = present.map((subject) => () => rate(subject, 1));
      await inTurns(count === plan.growth[0] ? FIRST_WARM_UPS : 1, ...one);
      const rates = await inTurns(plan.runs, ...one);
      for (const [index, subject] of present.entries()) {
        addPoint(curves, subject.name, count, median(rates[index] as number[]));
      }
      if (count !== ROWS_AT && !(count === plan.growth.at(-1) && count < ROWS_AT)) continue;
      rows.push(await compare(old, 1, 2_000, `, ${count.toLocaleString('en')} tokens`));
      for (const inFlight of [1, 64]) {
        rows.push(await compare(sessions, inFlight, 4), await compare(store, inFlight, 0.9));
      }
    }
    return rows;
  } finally {
    await Promise.all(subjects.map((subject) => subject.close()));
  }
}
