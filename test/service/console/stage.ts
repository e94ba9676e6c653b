// A worker with its HTTP server and console, in this process, on a deployment of its own.
import type { Log, LogFields } from '../../../src/service/log.js';
import { readSettings } from '../../../src/service/settings.js';
import { createService, type WorkerService } from '../../../src/service/worker-service.js';
import { freshPrefix, sharedRedis } from '../../support/redis.js';

export const PASSWORD = 'correct horse battery staple';

export interface Line {
  event: string;
  message: string;
  fields: LogFields;
}

export interface Stage extends WorkerService {
  url: string;
  prefix: string;
  /** What was logged. */
  lines: Line[];
}

/** @param env of the process meanwhile: settings of the console. */
export async function setStage(env: Record<string, string> = {}): Promise<Stage> {
  const { url } = await sharedRedis();
  const prefix = freshPrefix();
  const lines: Line[] = [];
  const before = process.env;
  process.env = { ...before, ...env };
  try {
    const { settings } = readSettings({ connection: url, prefix });
    const service = await createService(settings, logInto(lines), new AbortController().signal);
    await service.worker.start();
    return { ...service, url, prefix, lines };
  } finally {
    process.env = before;
  }
}

function logInto(lines: Line[]): Log {
  const write = (event: string, message: string, fields: LogFields = {}) => {
    lines.push({ event, message, fields });
  };
  return { info: write, advise: write, warn: write, error: write };
}
