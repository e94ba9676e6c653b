// What an idle time costs a get: nothing but the uses that are written down, now and then, in the background.
import type { Bench } from '../bench.js';
import { fill } from '../fill.js';
import { oneOf, perSecond } from '../load.js';
import { inTurns, type Row } from '../measure.js';
import { APP, DURATION, data, isData, TYPE } from '../payload.js';
import { ours } from '../peers/ours.js';
import type { Subject } from '../peers/subject.js';

const IN_FLIGHT = 64;

/** Seconds: that of a usual session, and one so short that each token's use is written down every second. */
const IDLE = [1_800, 10];

const withIdle = (url: string, idle: number): Subject => {
  const subject = ours(url);
  return {
    ...subject,
    create: async (owner) => {
      const made = { app: APP, type: TYPE, owner, data, duration: DURATION, idle };
      return (await subject.tokens.create(made)).token;
    },
  };
};

export async function idle({ redis, plan }: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const seconds of IDLE) {
    const subjects = [withIdle(redis.url(0), seconds), ours(redis.url(1))];
    try {
      const tokens = await Promise.all(subjects.map((subject) => fill(subject, plan.few)));
      const measure = (index: number, milliseconds = plan.milliseconds) => {
        const subject = subjects[index] as Subject;
        return perSecond(
          IN_FLIGHT,
          milliseconds,
          () => subject.get(oneOf(tokens[index] as string[])),
          (answer) => isData(subject.dataIn(answer)),
        );
      };
      for (const index of subjects.keys()) await measure(index, plan.milliseconds / 2);
      const [mine, plain] = await inTurns(
        plan.manyRuns,
        () => measure(0),
        () => measure(1),
      );
      rows.push({
        group: 'idle',
        name: `get with an idle time of ${seconds.toLocaleString('en')} s`,
        unit: '/s',
        ours: mine,
        peer: plain,
        against: 'our get without one',
        target: { least: 0.8 },
      });
    } finally {
      await Promise.all(subjects.map((subject) => subject.close()));
    }
  }
  return rows;
}
