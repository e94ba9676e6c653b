// A worker with its HTTP server and console, in this process, on a deployment of its own.
import type { FastifyInstance } from 'fastify';
import { TokenWorker } from '../../../src/index.js';
import { executorRules } from '../../../src/queue/executor.js';
import { RedisTokenRepository } from '../../../src/redis/repository.js';
import { Store } from '../../../src/redis/store.js';
import { History } from '../../../src/service/history.js';
import { createHttp } from '../../../src/service/http.js';
import type { Log, LogFields } from '../../../src/service/log.js';
import { MeasuredExecutor } from '../../../src/service/measured-executor.js';
import { WorkerMetrics } from '../../../src/service/metrics.js';
import { Overview } from '../../../src/service/overview.js';
import { Readiness } from '../../../src/service/readiness.js';
import { loadSettings } from '../../../src/service/settings.js';
import { resolveTokenOptions } from '../../../src/tokens/options.js';
import { freshPrefix, sharedRedis } from '../../support/redis.js';

export const PASSWORD = 'correct horse battery staple';

export interface Line {
  event: string;
  message: string;
  fields: LogFields;
}

export interface Stage {
  url: string;
  prefix: string;
  http: FastifyInstance;
  history: History;
  worker: TokenWorker;
  /** What was logged. */
  lines: Line[];
  close(): Promise<void>;
}

/** @param env of the process meanwhile: settings of the console. */
export async function setStage(env: Record<string, string> = {}): Promise<Stage> {
  const { url } = await sharedRedis();
  const prefix = freshPrefix();
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const settings = { ...loadSettings({ connection: url, prefix }) };
    const overview = new Overview(url, { prefix });
    const metrics = new WorkerMetrics(overview);
    const repository = new RedisTokenRepository(new Store(url, 5_000), resolveTokenOptions({ prefix }));
    const executor = new MeasuredExecutor(repository, executorRules({ prefix }), metrics);
    const worker = new TokenWorker({ connection: url, prefix, repository, executor });
    const history = new History(overview, metrics);
    const readiness = new Readiness(worker, overview, new AbortController().signal);
    const lines: Line[] = [];
    const log = logInto(lines);
    const http = await createHttp({ settings, overview, history, metrics, readiness, log });
    await worker.start();
    const close = async () => {
      await Promise.all([http.close(), worker.close()]);
      await Promise.all([overview.close(), repository.close()]);
    };
    return { url, prefix, http, history, worker, lines, close };
  } finally {
    process.env = before;
  }
}

function logInto(lines: Line[]): Log {
  const write = (event: string, message: string, fields: LogFields = {}) => {
    lines.push({ event, message, fields });
  };
  return { info: write, warn: write, error: write };
}
