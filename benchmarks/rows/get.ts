// One get beside what it can not be faster than: GET and JSON.parse over ioredis, at several numbers in flight.
import type { Bench } from '../bench.js';
import { fill } from '../fill.js';
import { oneOf, perSecond } from '../load.js';
import { fastest, inTurns, type Row } from '../measure.js';
import { isData } from '../payload.js';
import { ours } from '../peers/ours.js';
import { raw } from '../peers/raw.js';
import type { Subject } from '../peers/subject.js';

/** The least ratio by calls in flight. */
const TARGETS = new Map([
  [1, 0.9],
  [10, 0.8],
  [64, 1.2],
  [1_000, 1.5],
]);

export async function get({ redis, plan }: Bench): Promise<Row[]> {
  const subjects = [ours(redis.url(0)), raw(redis.url(1)), raw(redis.url(1), true)];
  try {
    const tokens = await Promise.all(subjects.map((subject) => fill(subject, plan.few)));
    const measure = (index: number, inFlight: number, milliseconds = plan.milliseconds) => {
      const subject = subjects[index] as Subject;
      const own = tokens[index] as string[];
      return perSecond(
        inFlight,
        milliseconds,
        () => subject.get(oneOf(own)),
        (answer) => isData(subject.dataIn(answer)),
      );
    };

    const rows: Row[] = [];
    for (const [inFlight, least] of TARGETS) {
      for (const index of subjects.keys()) await measure(index, inFlight, plan.milliseconds * 2);
      const [mine, plain, pipelined] = await inTurns(
        plan.manyRuns,
        () => measure(0, inFlight),
        () => measure(1, inFlight),
        () => measure(2, inFlight),
      );
      rows.push({
        group: 'get',
        name: `get, ${inFlight.toLocaleString('en')} in flight`,
        unit: '/s',
        ours: mine,
        peer: fastest(plain, pipelined),
        against: 'raw ioredis, the faster of both ways',
        target: { least },
      });
    }
    return rows;
  } finally {
    await Promise.all(subjects.map((subject) => subject.close()));
  }
}
