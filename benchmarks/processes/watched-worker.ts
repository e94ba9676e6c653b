// A worker as `redis-tokens worker` runs it, with its metrics, which are asked for once a second; and with tracing.
import { readSettings } from '../../dist/service/settings.js';
import { createService } from '../../dist/service/worker-service.js';
import { secondsSince } from '../load.js';
import { startTracing } from '../tracing.js';
import { answer } from './child.js';
import { Countdown } from './countdown.js';

const { settings } = readSettings({ connection: process.argv[2] as string });
const log = { info: () => {}, advise: () => {}, warn: () => {}, error: () => {} };

answer({
  /** Seconds from its start until so many jobs are done. */
  drain: (jobs: number) => drain(jobs),
  /** As `drain`, with its jobs and commands as spans. */
  drainTraced: async (jobs: number) => {
    const stop = startTracing();
    return drain(jobs, 'on').finally(stop);
  },
});

async function drain(jobs: number, telemetry: 'on' | 'off' = 'off'): Promise<number> {
  const done = new Countdown();
  const all = done.after(jobs);
  const { worker, http, close } = await createService(
    { ...settings, telemetry },
    log,
    new AbortController().signal,
  );
  worker.on('completed', () => done.count());
  worker.on('failed', (_job, error) => done.fail(error));
  const url = await http.listen({ port: 0, host: '127.0.0.1' });
  const scrape = setInterval(() => fetch(`${url}/metrics`).then((reply) => reply.text()), 1_000);
  const begin = process.hrtime.bigint();
  await worker.start();
  await all;
  const seconds = secondsSince(begin);
  clearInterval(scrape);
  await close();
  return seconds;
}
