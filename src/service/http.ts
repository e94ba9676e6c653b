/** The worker's HTTP server: what a supervisor, Prometheus and an operator's browser ask. */
import { type FastifyInstance, fastify } from 'fastify';
import { ConfigError } from '../tokens/errors.js';
import { addConsole, type ConsoleParts } from './console/console.js';
import type { Log } from './log.js';
import type { WorkerMetrics } from './metrics.js';
import type { Readiness } from './readiness.js';
import type { ReadSettings, Settings } from './settings.js';

export interface HttpParts extends ConsoleParts {
  readiness: Readiness;
  metrics: WorkerMetrics;
}

/** Milliseconds within which a request must have arrived: fastify has none, and who sends byte by byte would hold a socket for ever. */
const REQUEST_TIMEOUT = 30_000;

/** The server, which does not listen yet. @throws {ConfigError} where the console can not be served. */
export async function createHttp(parts: HttpParts): Promise<FastifyInstance> {
  const { readiness, metrics } = parts;
  const http = fastify({
    logger: false, // what is worth a line is told by whoever knows what it means
    forceCloseConnections: true, // an event stream, or a browser that keeps its connection, would hold up the end
    bodyLimit: 65_536,
    requestTimeout: REQUEST_TIMEOUT,
  });

  // That the process turns its event loop is all that it says: one that waits for Redis must not be killed for it.
  http.get('/livez', () => ({ status: 'live' }));

  http.get('/readyz', async (_, reply) => {
    const problem = await readiness.problem();
    if (problem === undefined) return { status: 'ready' };
    return reply.code(503).send({ status: 'not ready', problem });
  });

  http.get('/metrics', async (_, reply) => {
    return reply.type(metrics.contentType).send(await metrics.text());
  });

  await addConsole(http, parts);
  return http;
}

/**
 * Has the server listen, unless it is to be off. A second worker of this machine, of which nobody has said where it is to
 * listen, works without.
 * @throws {ConfigError} where it can not.
 */
export async function listen(
  http: FastifyInstance,
  settings: Settings,
  from: ReadSettings['from'],
  log: Log,
): Promise<void> {
  const { httpPort: port, httpHost: host } = settings;
  if (port === 'off') return;
  try {
    const url = await http.listen({ port, host });
    const paths = http.hasRoute({ method: 'GET', url: '/console' }) ? '/console, ' : '';
    log.info('http', `listening on ${url} (${paths}/livez, /readyz, /metrics)`, { url });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || from.httpPort !== 'default') {
      throw new ConfigError(`httpPort: ${host}:${port} can not be used: ${message}`, { cause: error });
    }
    log.warn('http-off', `port ${port} is taken: this worker tells no health and no metrics`, { port });
  }
}
