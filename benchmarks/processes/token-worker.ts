// A worker of ours: works jobs off, and weighs its own process.
import { secondsSince } from '../load.js';
import { TokenWorker } from '../peers/ours.js';
import { answer, cpuTime } from './child.js';
import { Countdown } from './countdown.js';

const connection = process.argv[2] as string;
let worker: TokenWorker | undefined;
const done = new Countdown();

async function start(): Promise<void> {
  worker = new TokenWorker({ connection });
  worker.on('completed', () => done.count());
  worker.on('failed', (_job, error) => done.fail(error));
  worker.on('error', (error) => done.fail(error));
  await worker.start();
}

async function close(): Promise<void> {
  await worker?.close();
}

answer({
  start,
  close,
  /** Seconds from its start until so many jobs are done. */
  drain: async (jobs: number) => {
    const all = done.after(jobs);
    const begin = process.hrtime.bigint();
    await start();
    await all;
    const seconds = secondsSince(begin);
    await close();
    return seconds;
  },
  /** Resolves when so many jobs more are done. */
  until: (jobs: number) => done.after(jobs),
  /** Microseconds of processor time since its start. */
  cpu: cpuTime,
  weigh: () => {
    if (!globalThis.gc) throw new Error('start it with --expose-gc');
    // A second time for what the first has set free only then: weak references and finalizers.
    globalThis.gc();
    globalThis.gc();
    return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length };
  },
});
