/** The worker as a process: starts it, waits for Redis where it must, and drains it when asked to stop. */
import { setTimeout as wait } from 'node:timers/promises';
import { createContainer, TYPES } from '../container.js';
import type { TokenWorker } from '../queue/worker.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import { printable } from './printable.js';
import { Problems } from './problems.js';
import { readyMessage } from './ready-message.js';
import type { Settings } from './settings.js';
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
 * @throws {ConfigError} for an option that can not work, or that does not fit the deployment.
 */
export async function runWorker(settings: Settings): Promise<void> {
  // Whether a token could have been made here is the senders' business: a worker sees no secret, and needs no prefix.
  const { tokenPrefix: _, ...options } = settings;
  const container = createContainer(options);
  const worker = container.get(TYPES.TokenWorker);
  const repository = container.get(TYPES.TokenRepository);
  const stop = stopSignal();
  tellProblems(worker, new Problems(complain, () => repository.ready(), stop));
  try {
    if (await started(worker, settings, stop)) {
      process.stdout.write(readyMessage(settings));
      await aborted(stop);
    }
    tell(`${stop.reason}: finishing what is under way`);
  } finally {
    endInTime(settings.closeTimeout);
    await worker.close();
    await container.unbindAllAsync();
  }
  tell('the worker has ended');
}

/** True once it runs; false where it was asked to stop before. */
async function started(worker: TokenWorker, settings: Settings, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    try {
      await Promise.race([worker.start(), aborted(stop)]);
      return !stop.aborted;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      complain(`${error.message}; still trying ${shownUrl(settings.connection)}`);
      await wait(RETRY_DELAY, undefined, { signal: stop }).catch(() => {});
    }
  }
  return false;
}

function tellProblems(worker: TokenWorker, problems: Problems): void {
  worker.on('error', (error) => problems.tell(error));
  worker.on('failed', ({ lane, id }, { message }) =>
    complain(`job ${id} on ${lane} failed for good: ${message}`),
  );
}

/** What outlasts `closeTimeout`, a job or a Redis that is gone, must not keep the process. */
function endInTime(closeTimeout: number): void {
  const timer = setTimeout(() => {
    complain('not everything could be ended in time: jobs that still ran are left to another worker');
    process.exit(1);
  }, closeTimeout + GRACE);
  timer.unref();
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`redis-tokens: ${printable(line.replaceAll(/\s+/g, ' '))}\n`);
}
