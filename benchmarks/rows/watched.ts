// What it costs a worker to be watched: commands per second with its metrics, beside the same without.
import type { Bench } from '../bench.js';
import { enqueue, mixOf, waitingJobs } from '../commands.js';
import { fill } from '../fill.js';
import { inTurns, type Row } from '../measure.js';
import { ours, TokenProducer } from '../peers/ours.js';
import { Child } from '../processes/child.js';

export async function watched({ redis, plan }: Bench): Promise<Row[]> {
  const subject = ours(redis.url());
  const producer = new TokenProducer(redis.url());
  const plain = await Child.start('token-worker', redis.url());
  const metered = await Child.start('watched-worker', redis.url());
  try {
    const mix = mixOf(await fill(subject, plan.few));
    const commands = async (worker: Child, count = plan.commands) => {
      await enqueue(producer, count, mix);
      return count / (await worker.ask<number>('drain', await waitingJobs(redis.client)));
    };
    for (const worker of [plain, metered]) await commands(worker, plan.commands / 10);
    const [own, peer] = await inTurns(
      plan.manyRuns,
      () => commands(metered),
      () => commands(plain),
    );
    return [
      {
        group: 'watched',
        name: 'commands through the queue, with metrics',
        unit: '/s',
        ours: own,
        peer,
        against: 'the same worker without',
        target: { least: 0.95 },
      },
    ];
  } finally {
    await Promise.all([plain.end(), metered.end()]);
    await Promise.all([subject.close(), producer.close()]);
  }
}
