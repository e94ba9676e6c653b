// What it costs a worker to be watched: commands per second with its metrics, and with tracing, beside the same without.
import { openTelemetry } from '../../dist/telemetry/index.js';
import type { Bench } from '../bench.js';
import { enqueue, mixOf, waitingJobs } from '../commands.js';
import { fill } from '../fill.js';
import { inTurns, type Row } from '../measure.js';
import { ours, TokenProducer } from '../peers/ours.js';
import { Child } from '../processes/child.js';
import { startTracing } from '../tracing.js';

export async function watched({ redis, plan }: Bench): Promise<Row[]> {
  const subject = ours(redis.url());
  const producer = new TokenProducer(redis.url());
  const tracing = new TokenProducer(redis.url(), { telemetry: openTelemetry() });
  const plain = await Child.start('token-worker', redis.url());
  const metered = await Child.start('watched-worker', redis.url());
  try {
    const mix = mixOf(await fill(subject, plan.few));
    const commands = async (worker: Child, count = plan.commands) => {
      await enqueue(producer, count, mix);
      return count / (await worker.ask<number>('drain', await waitingJobs(redis.client)));
    };
    /** Of commands that carry a trace: enqueued by a process that traces, too. */
    const traced = async (count = plan.commands) => {
      const stop = startTracing();
      await enqueue(tracing, count, mix).finally(stop);
      return count / (await metered.ask<number>('drainTraced', await waitingJobs(redis.client)));
    };
    for (const worker of [plain, metered]) await commands(worker, plan.commands / 10);
    await traced(plan.commands / 10);
    const [own, peer, all] = await inTurns(
      plan.manyRuns,
      () => commands(metered),
      () => commands(plain),
      () => traced(),
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
      {
        group: 'watched',
        name: 'commands through the queue, with metrics and tracing',
        unit: '/s',
        ours: all,
        peer,
        against: 'the same worker without',
        target: undefined,
      },
    ];
  } finally {
    await Promise.all([plain.end(), metered.end()]);
    await Promise.all([subject.close(), producer.close(), tracing.close()]);
  }
}
