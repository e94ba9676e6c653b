/** What the console's page asks the server for. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LANES, type Lane } from '../../queue/lanes.js';
import { StoreUnavailableError, ValidationError } from '../../tokens/errors.js';
import type { History } from '../history.js';
import type { Log } from '../log.js';
import type { Overview } from '../overview.js';
import { packageVersion } from '../package-version.js';
import type { Settings } from '../settings.js';
import { shownUrl } from '../shown-url.js';
import type { Access } from './access.js';
import type { Desk, OwnerOf } from './desk.js';
import type { OverviewAnswer } from './page/wire.js';

interface ActionParts {
  settings: Settings;
  overview: Overview;
  history: History;
  desk: Desk;
  access: Access;
  /** Whether Bull Board is there. */
  board: boolean;
  log: Log;
}

export function addActions(
  http: FastifyInstance,
  { settings, overview, history, desk, access, board, log }: ActionParts,
): void {
  const version = packageVersion();
  const userOf = (request: FastifyRequest) => access.userOf(request) as string; // nobody else comes here

  http.setErrorHandler((error: Error & { statusCode?: number }, _, reply) =>
    reply.code(statusOf(error)).send({ problem: error.message }),
  );

  http.get('/api/overview', async (request): Promise<OverviewAnswer> => {
    const standing = await overview.read().catch(() => undefined);
    return {
      user: userOf(request),
      version,
      redis: shownUrl(settings.connection),
      prefix: settings.prefix,
      board,
      canLogOut: access.isSession(request),
      ...(standing && { standing: { ...standing.tokens, queues: standing.queues } }),
      history: history.samples,
    };
  });

  http.get('/api/tokens', (request) => desk.tokensOf(ownerIn(request.query)));

  http.post('/api/revoke', async (request) => {
    const owner = ownerIn(request.body);
    const { id } = textsIn(request.body, ['id']);
    const revoked = (await desk.revoke(owner, id)) ? 1 : 0;
    const by = { user: userOf(request), ...owner, id, revoked };
    log.info('console-revoke', `${by.user} revoked token ${id} at the console`, by);
    return { revoked };
  });

  http.post('/api/revoke-all', async (request) => {
    const owner = ownerIn(request.body);
    const revoked = await desk.revokeAll(owner);
    const by = { user: userOf(request), ...owner, revoked };
    log.info('console-revoke-all', `${by.user} revoked ${revoked} tokens of one owner at the console`, by);
    return { revoked };
  });

  http.get('/api/dead-letters', () => desk.deadLetters());

  for (const action of ['retry', 'drop'] as const) {
    http.post(`/api/dead-letters/${action}`, async (request) => {
      const { lane, job } = textsIn(request.body, ['lane', 'job']);
      if (!LANES.includes(lane as Lane)) {
        throw new ValidationError('dead letter', [
          { field: 'lane', problem: `must be one of ${LANES.join(', ')}` },
        ]);
      }
      const done = await desk[action](lane as Lane, job);
      const by = { user: userOf(request), lane, job, done };
      log.info(
        `console-${action}`,
        `${by.user}: ${action} of dead letter ${job} on ${lane} at the console`,
        by,
      );
      return { done };
    });
  }
}

const ownerIn = (from: unknown): OwnerOf => textsIn(from, ['app', 'type', 'owner']);

/** @throws {ValidationError} for what is no text. Whether it can be one is for the operation to say. */
function textsIn<N extends string>(from: unknown, names: readonly N[]): Record<N, string> {
  const given = (from ?? {}) as Record<string, unknown>;
  const missing = names.filter((name) => typeof given[name] !== 'string');
  if (missing.length > 0) {
    throw new ValidationError(
      'request',
      missing.map((field) => ({ field, problem: 'must be a text' })),
    );
  }
  return Object.fromEntries(names.map((name) => [name, given[name]])) as Record<N, string>;
}

function statusOf(error: Error & { statusCode?: number }): number {
  if (error instanceof ValidationError) return 400;
  if (error instanceof StoreUnavailableError) return 503;
  return error.statusCode ?? 500;
}
