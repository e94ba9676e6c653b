// BullMQ alone: a worker whose processor does nothing.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { secondsSince } from '../load.js';
import { EMPTY_QUEUE } from '../peers/bullmq.js';
import { answer } from './child.js';
import { Countdown } from './countdown.js';

const connection = new Redis(process.argv[2] as string, { maxRetriesPerRequest: null });
const done = new Countdown();

async function open(concurrency: number): Promise<Worker> {
  const worker = new Worker(EMPTY_QUEUE, async () => {}, { connection, concurrency, autorun: false });
  worker.on('completed', () => done.count());
  worker.on('error', (error) => done.fail(error));
  await worker.waitUntilReady();
  return worker;
}

answer({
  start: async (concurrency: number) => {
    void (await open(concurrency)).run();
  },
  /** Seconds from its start until so many jobs are done. */
  drain: async ({ jobs, concurrency }: { jobs: number; concurrency: number }) => {
    const all = done.after(jobs);
    const begin = process.hrtime.bigint();
    const worker = await open(concurrency);
    void worker.run();
    await all;
    const seconds = secondsSince(begin);
    await worker.close();
    return seconds;
  },
});
