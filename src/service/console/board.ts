/** Bull Board, where it is installed: the queues' jobs, to look at. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { StandingQueues } from '../../queue/standing-queues.js';

/** What of a job's data is not shown: it is an application's own. */
const HIDDEN: ReadonlySet<string> = new Set(['data', 'nonce']);

/**
 * Adds it at `place` under `path`, looking only: run again from there, a dead letter would answer that it was given up.
 * @returns whether it is there.
 */
export async function addBoard(
  http: FastifyInstance,
  path: string,
  place: string,
  queues: StandingQueues,
): Promise<boolean> {
  const parts = await load();
  if (!parts) return false;
  const { createBullBoard, BullMQAdapter, FastifyAdapter } = parts;
  const server = new FastifyAdapter().setBasePath(`${path}${place}`);
  const adapters = queues.places.map((place) => {
    const adapter = new BullMQAdapter(queues.at(place), {
      readOnlyMode: true,
      prefix: place.partition === 0 ? '' : `${place.partition}.`, // its queues are told apart by name
    });
    adapter.setFormatter('data', hidden);
    adapter.setFormatter('returnValue', hidden);
    adapter.setFormatter('progress', hidden);
    return adapter;
  });
  createBullBoard({ queues: adapters, serverAdapter: server, options: { uiConfig: UI } });
  await http.register(
    async (scope) => {
      // That each of its routes looks only is the package's promise: this one does not rest on it.
      scope.addHook('onRequest', async ({ method }, reply) => {
        if (method !== 'GET' && method !== 'HEAD')
          return reply.code(405).send({ problem: 'there is nothing to change here' });
        return undefined;
      });
      scope.addHook('onSend', async (_, reply, payload) => withoutElsewhere(reply, payload));
      await scope.register(server.registerPlugin());
    },
    { prefix: place },
  );
  return true;
}

const UI = { boardTitle: 'redis-tokens', hideRedisDetails: false };

/** The packages are the user's to install. */
async function load() {
  try {
    const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/fastify'),
    ]);
    return { createBullBoard, BullMQAdapter, FastifyAdapter };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

/** Its page asks another site for a typeface: it does without. */
function withoutElsewhere(reply: FastifyReply, payload: unknown): unknown {
  const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
  return isPage ? String(payload).replaceAll(/<link\b[^>]*\bhref="https?:[^>]*>/g, '') : payload;
}

/** A copy without what is an application's own, at whatever depth it stands. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, HIDDEN.has(name) ? '(not shown)' : hidden(inner)]),
  );
}
