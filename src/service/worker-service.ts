/** What a worker's process is made of: the worker with its eyes open, and the HTTP server that tells what they see. */
import type { FastifyInstance } from 'fastify';
import { createContainer, TYPES } from '../container.js';
import { executorRules } from '../queue/executor.js';
import type { TokenWorker } from '../queue/worker.js';
import { type Concern, serverConcerns } from '../redis/server-check.js';
import type { TokenOptions } from '../tokens/options.js';
import { History } from './history.js';
import { createHttp } from './http.js';
import type { Log } from './log.js';
import { MeasuredExecutor } from './measured-executor.js';
import { WorkerMetrics } from './metrics.js';
import { Overview } from './overview.js';
import { Problems } from './problems.js';
import { Readiness } from './readiness.js';
import { type Settings, tokenOptions } from './settings.js';
import { loadTelemetry } from './telemetry.js';

export interface WorkerService {
  /** Not started yet. */
  worker: TokenWorker;
  /** Does not listen yet. */
  http: FastifyInstance;
  history: History;
  /** What an operator would regret of how Redis is set up. @throws {StoreUnavailableError} */
  concerns(): Promise<Concern[]>;
  /** Drains the worker, and ends everything else when it has: until then it is told that it drains. */
  close(): Promise<void>;
}

/**
 * @param stop aborts when the worker is to end.
 * @throws {ConfigError} for a setting that can not work; nothing is left open then.
 */
export async function createService(settings: Settings, log: Log, stop: AbortSignal): Promise<WorkerService> {
  const own = workersOwn(settings);
  const overview = new Overview(settings.connection, own);
  try {
    return await assemble(settings, own, log, stop, overview);
  } catch (error) {
    await overview.close();
    throw error;
  }
}

async function assemble(
  settings: Settings,
  own: TokenOptions,
  log: Log,
  stop: AbortSignal,
  overview: Overview,
): Promise<WorkerService> {
  const { connection, concurrency, closeTimeout } = settings;
  const telemetry = settings.telemetry === 'on' ? await loadTelemetry() : undefined;
  const options = { ...own, telemetry };
  const metrics = new WorkerMetrics(overview);
  const container = createContainer({ ...options, connection, concurrency, closeTimeout });
  const repository = container.get(TYPES.TokenRepository);
  const executor = new MeasuredExecutor(repository, executorRules(options), metrics);
  container.rebind(TYPES.CommandExecutor).toConstantValue(executor);
  const worker = container.get(TYPES.TokenWorker);
  const problems = new Problems(
    (event, line) => log.warn(event, line),
    () => repository.ready(),
    stop,
  );
  worker.on('error', (error) => problems.tell(error));
  worker.on('failed', ({ lane, id }, { message }) => {
    metrics.deadLetter(lane);
    log.error('job-failed', `job ${id} on ${lane} failed for good: ${message}`, { lane, job: id });
  });
  const history = new History(overview, metrics);
  const readiness = new Readiness(worker, overview, stop);
  const http = await createHttp({ settings, overview, history, metrics, readiness, log });
  const close = async () => {
    await worker.close();
    await Promise.all([container.unbindAllAsync(), http.close()]);
    await overview.close();
  };
  return {
    worker,
    http,
    history,
    concerns: () => serverConcerns(overview.queues.store, options.durability?.replicas),
    close,
  };
}

/** Whether a token could have been made here is the senders' business: a worker sees no secret, and needs no prefix and no pepper. */
function workersOwn(settings: Settings): TokenOptions {
  const { tokenPrefix: _, pepper: __, ...options } = tokenOptions(settings);
  return options;
}
