// One command from end to end, its result awaited, beside BullMQ's own way to wait for a job.
import { QueueEvents } from 'bullmq';
import type { Bench } from '../bench.js';
import { durations } from '../load.js';
import { inTurns, median, type Row } from '../measure.js';
import { APP, DURATION, data, ownerOf, TYPE } from '../payload.js';
import { EMPTY_QUEUE, EmptyQueue } from '../peers/bullmq.js';
import { TokenProducer } from '../peers/ours.js';
import { Child } from '../processes/child.js';

export async function latency({ redis, plan }: Bench): Promise<Row[]> {
  const producer = new TokenProducer(redis.url());
  const empty = new EmptyQueue(redis.url(1));
  const events = new QueueEvents(EMPTY_QUEUE, { connection: { url: redis.url(1) } });
  const worker = await Child.start('token-worker', redis.url());
  const emptyWorker = await Child.start('empty-worker', redis.url(1));
  try {
    await events.waitUntilReady();
    await worker.ask('start');
    await emptyWorker.ask('start', 1);

    const create = () =>
      durations(plan.awaited, (index) =>
        producer.create({ app: APP, type: TYPE, owner: ownerOf(index), data, duration: DURATION }),
      );
    const job = () =>
      durations(plan.awaited, async (index) => (await empty.add(index)).waitUntilFinished(events));

    await create();
    await job();
    const [own, other] = await inTurns(
      plan.runs,
      async () => median(await create()),
      async () => median(await job()),
    );
    return [
      {
        group: 'latency',
        name: 'one command awaited, p50',
        unit: 'ms',
        ours: own,
        peer: other,
        against: 'BullMQ add and waitUntilFinished',
        target: { most: 0.8 },
      },
    ];
  } finally {
    await Promise.all([worker.end(), emptyWorker.end()]);
    await events.close();
    await Promise.all([producer.close(), empty.close()]);
  }
}
