/** The worker as a process: starts it, waits for Redis where it must, and drains it when asked to stop. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TokenWorker } from '../queue/worker.js';
import type { Concern } from '../redis/server-check.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import { listen } from './http.js';
import { type Log, openLog } from './log.js';
import { readyMessage } from './ready-message.js';
import { type ReadSettings, type Settings, unknownVariables } from './settings.js';
import { shownUrl } from './shown-url.js';
import { aborted, stopSignal } from './stop-signal.js';
import { createService } from './worker-service.js';

/** Milliseconds between two attempts to start. */
const RETRY_DELAY = 1_000;

/** Milliseconds after `closeTimeout` in which the process should have ended by itself. Saying goodbye takes up to two seconds
 * where nobody answers. A connection that was being opened takes ioredis up to two to let go of, and one that was lost BullMQ
 * up to six. */
const GRACE = 10_000;

/**
 * Runs a worker until SIGTERM or SIGINT. Resolves when it is drained; nothing is left open then.
 * @param from what each setting was given by.
 * @throws {ConfigError} for an option that can not work, or that does not fit the deployment.
 */
export async function runWorker(settings: Settings, from: ReadSettings['from']): Promise<void> {
  const log = openLog(settings.log);
  const stop = stopSignal();
  for (const variable of unknownVariables())
    log.advise('unknown-variable', `${variable} is the variable of no setting`, { variable });
  const { worker, http, concerns, close } = await createService(settings, log, stop);
  try {
    await listen(http, settings, from, log);
    if (await started(worker, settings, log, stop)) {
      const redis = shownUrl(settings.connection);
      log.info('ready', `the worker is ready on ${redis}`, { redis }, readyMessage(settings));
      concerns().then(
        (found) => adviseOn(found, log),
        () => {}, // Redis is away again, which is told otherwise, or the worker has ended
      );
      await aborted(stop);
    }
    log.info('draining', `${stop.reason}: finishing what is under way`, { signal: String(stop.reason) });
  } finally {
    endInTime(settings.closeTimeout, log);
    await close();
  }
  log.info('ended', 'the worker has ended');
}

function adviseOn(concerns: readonly Concern[], log: Log): void {
  for (const { setting, node, message } of concerns)
    log.advise('redis-settings', `${node}: ${message}`, { setting, redis: node });
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
