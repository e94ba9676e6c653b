// Commands per second through our queue, with their events and results, beside jobs per second of an empty worker.
import type { Bench } from '../bench.js';
import { enqueue, eventsWritten, mixOf, waitingJobs } from '../commands.js';
import { fill } from '../fill.js';
import { inTurns, type Row } from '../measure.js';
import { EmptyQueue } from '../peers/bullmq.js';
import { ours, TokenProducer } from '../peers/ours.js';
import { Child } from '../processes/child.js';

/** BullMQ's own. */
const DEFAULT_CONCURRENCY = 1;

/** The empty worker is measured with the best of these, too. */
const CONCURRENCIES = [32, 100];

export async function queue({ redis, plan, log }: Bench): Promise<Row[]> {
  const subject = ours(redis.url());
  const producer = new TokenProducer(redis.url());
  const empty = new EmptyQueue(redis.url(1));
  const worker = await Child.start('token-worker', redis.url());
  const emptyWorker = await Child.start('empty-worker', redis.url(1));
  try {
    const mix = mixOf(await fill(subject, plan.few));

    const commands = async (count: number) => {
      await enqueue(producer, count, mix);
      const before = await eventsWritten(redis.client);
      const seconds = await worker.ask<number>('drain', await waitingJobs(redis.client));
      const events = (await eventsWritten(redis.client)) - before;
      if (events !== count) throw new Error(`${count} commands have told ${events} events`);
      return count / seconds;
    };
    const jobs = async (count: number, concurrency: number) => {
      await empty.addMany(count);
      return count / (await emptyWorker.ask<number>('drain', { jobs: count, concurrency }));
    };

    await commands(plan.commands / 10);
    await jobs(plan.emptyJobs / 4, 1);
    const trials = new Map<number, number>();
    for (const concurrency of CONCURRENCIES)
      trials.set(concurrency, await jobs(plan.emptyJobs / 4, concurrency));
    const [best] = [...trials].reduce((a, b) => (b[1] > a[1] ? b : a));
    log(`empty worker: the best concurrency is ${best}`);

    const [own, byDefault, atBest] = await inTurns(
      plan.runs,
      () => commands(plan.commands),
      () => jobs(plan.emptyJobs, DEFAULT_CONCURRENCY),
      () => jobs(plan.emptyJobs, best),
    );
    const against = (concurrency: number, peer: number[]): Row => ({
      group: 'queue',
      name: `commands through the queue, ${plan.commands.toLocaleString('en')} waiting`,
      unit: '/s',
      ours: own,
      peer,
      against: `empty BullMQ worker, concurrency ${concurrency}`,
      target: { least: 4 },
    });
    return [against(DEFAULT_CONCURRENCY, byDefault), against(best, atBest)];
  } finally {
    await Promise.all([worker.end(), emptyWorker.end()]);
    await Promise.all([subject.close(), producer.close(), empty.close()]);
  }
}
