/** The worker as a process: starts it, waits for Redis where it must, and drains it when asked to stop. */
import { setTimeout as wait } from 'node:timers/promises';
import { createContainer, TYPES } from '../container.js';
import { executorRules } from '../queue/executor.js';
import type { TokenWorker } from '../queue/worker.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import type { TokenOptions } from '../tokens/options.js';
import { History } from './history.js';
import { createHttp, listen } from './http.js';
import { type Log, openLog } from './log.js';
import { MeasuredExecutor } from './measured-executor.js';
import { WorkerMetrics } from './metrics.js';
import { Overview } from './overview.js';
import { Problems } from './problems.js';
import { Readiness } from './readiness.js';
import { readyMessage } from './ready-message.js';
import { type GivenSettings, type Settings, tokenOptions } from './settings.js';
import { shownUrl } from './shown-url.js';
import { aborted, stopSignal } from './stop-signal.js';

/** Milliseconds between two attempts to start. */
const RETRY_DELAY = 1_000;

/** Milliseconds after `closeTimeout` in which the process should have ended by itself. Saying goodbye takes up to two seconds
 * where nobody answers. A connection that was being opened takes ioredis up to two to let go of, and one that was lost BullMQ
 * up to six. */
const GRACE = 10_000;

/**
 * Runs a worker until SIGTERM or SIGINT. Resolves when it is drained; nothing is left open then.
 * @param given the settings that were given on the command line.
 * @throws {ConfigError} for an option that can not work, or that does not fit the deployment.
 */
export async function runWorker(settings: Settings, given: GivenSettings): Promise<void> {
  const options = workersOwn(tokenOptions(settings));
  const overview = new Overview(settings.connection, options);
  try {
    await serve(settings, given, options, overview);
  } finally {
    await overview.close();
  }
}

async function serve(
  settings: Settings,
  given: GivenSettings,
  options: TokenOptions,
  overview: Overview,
): Promise<void> {
  const { connection, concurrency, closeTimeout } = settings;
  const log = openLog(settings.log);
  const metrics = new WorkerMetrics(overview);
  const container = createContainer({ ...options, connection, concurrency, closeTimeout });
  const repository = container.get(TYPES.TokenRepository);
  const executor = new MeasuredExecutor(repository, executorRules(options), metrics);
  container.rebind(TYPES.CommandExecutor).toConstantValue(executor);
  const worker = container.get(TYPES.TokenWorker);
  const stop = stopSignal();
  const say = (event: string, line: string) => log.warn(event, line);
  tellProblems(worker, new Problems(say, () => repository.ready(), stop), log, metrics);
  const readiness = new Readiness(worker, overview, stop);
  const history = new History(overview, metrics);
  const parts = { settings, overview, history, metrics, readiness, log };
  const http = await createHttp(parts);
  try {
    await listen(http, parts, given);
    if (await started(worker, settings, log, stop)) {
      const redis = shownUrl(connection);
      log.info('ready', `the worker is ready on ${redis}`, { redis }, readyMessage(settings));
      await aborted(stop);
    }
    log.info('draining', `${stop.reason}: finishing what is under way`, { signal: String(stop.reason) });
  } finally {
    endInTime(closeTimeout, log);
    await worker.close();
    await Promise.all([container.unbindAllAsync(), http.close()]);
  }
  log.info('ended', 'the worker has ended');
}

/** Whether a token could have been made here is the senders' business: a worker sees no secret, and needs no prefix and no pepper. */
function workersOwn({ tokenPrefix: _, pepper: __, ...options }: TokenOptions): TokenOptions {
  return options;
}

/** True once it runs; false where it was asked to stop before. */
async function started(
  worker: TokenWorker,
  settings: Settings,
  log: Log,
  stop: AbortSignal,
): Promise<boolean> {
  const redis = shownUrl(settings.connection);
  while (!stop.aborted) {
    try {
      await Promise.race([worker.start(), aborted(stop)]);
      return !stop.aborted;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      log.warn('redis-away', `${error.message}; still trying ${redis}`, { redis });
      await wait(RETRY_DELAY, undefined, { signal: stop }).catch(() => {});
    }
  }
  return false;
}

function tellProblems(worker: TokenWorker, problems: Problems, log: Log, metrics: WorkerMetrics): void {
  worker.on('error', (error) => problems.tell(error));
  worker.on('failed', ({ lane, id }, { message }) => {
    metrics.deadLetter(lane);
    log.error('job-failed', `job ${id} on ${lane} failed for good: ${message}`, { lane, job: id });
  });
}

/** What outlasts `closeTimeout`, a job or a Redis that is gone, must not keep the process. */
function endInTime(closeTimeout: number, log: Log): void {
  const timer = setTimeout(() => {
    log.error(
      'cut-short',
      'not everything could be ended in time: jobs that still ran are left to another worker',
    );
    process.exit(1);
  }, closeTimeout + GRACE);
  timer.unref();
}
