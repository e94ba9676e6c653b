/** The console: a page for whoever looks after a deployment, and what that page may ask for. */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { History } from '../history.js';
import type { Log } from '../log.js';
import type { Overview } from '../overview.js';
import { type Settings, secret } from '../settings.js';
import { Access } from './access.js';
import { addActions } from './actions.js';
import { addBoard } from './board.js';
import { Desk } from './desk.js';
import { LiveEvents } from './live-events.js';
import { loginPage, pageFiles } from './page-files.js';

export interface ConsoleParts {
  settings: Settings;
  overview: Overview;
  history: History;
  log: Log;
}

const PATH = '/console';

/** Log-ins that one address may try in a minute. */
const ATTEMPTS = 10;

/** Bytes that a watcher of events may be behind. */
const BACKLOG = 1_048_576;

/** Nothing is loaded from elsewhere, no script or style stands in a page, and no other site may frame it. */
const POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'self'"],
    frameAncestors: ["'none'"],
  },
};

/** Adds the console where somebody may use it: where there is a password, or a header that a proxy sets. */
export async function addConsole(http: FastifyInstance, parts: ConsoleParts): Promise<boolean> {
  const { consoleUserHeader: userHeader, consoleProxies: proxies, prefix } = parts.settings;
  const rules = { password: secret('consolePassword'), userHeader, proxies, prefix };
  if (!Access.isGiven(rules)) return false;
  const access = new Access(rules);
  await http.register((scope) => addRoutes(scope, access, parts), { prefix: PATH });
  return true;
}

async function addRoutes(http: FastifyInstance, access: Access, parts: ConsoleParts): Promise<void> {
  const { settings, overview, history, log } = parts;
  const files = pageFiles();
  const events = new LiveEvents(settings.connection, settings.prefix);
  const desk = new Desk(settings);
  http.addHook('onClose', async () => {
    history.stop();
    await Promise.all([events.close(), desk.close()]);
  });
  history.start();

  await http.register(helmet, {
    contentSecurityPolicy: POLICY,
    strictTransportSecurity: false, // that is for whoever ends TLS to say
    xFrameOptions: { action: 'deny' },
  });
  await http.register(rateLimit, { global: false });
  http.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  http.setNotFoundHandler((_, reply) => reply.code(404).send({ problem: 'there is no such page' }));
  http.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const changes = request.method !== 'GET' && request.method !== 'HEAD';
    if (changes && !Access.isOwnPage(request)) {
      return reply.code(403).send({ problem: 'this was not sent by the page itself' });
    }
    if (isOpen(request) || access.userOf(request) !== undefined) return undefined;
    return refuse(request, reply, access);
  });
  http.get('/', (_, reply) => send(reply, files.get('index.html')));
  http.get('/page/:file', (request, reply) =>
    send(reply, files.get((request.params as { file: string }).file)),
  );

  const limited = { config: { rateLimit: { max: ATTEMPTS, timeWindow: 60_000 } } };
  http.post('/login', limited, (request, reply) => {
    const { password } = (request.body ?? {}) as { password?: unknown };
    if (typeof password !== 'string' || !access.isPassword(password)) {
      log.warn('console-refused', `a wrong password for the console from ${request.ip}`, {
        address: request.ip,
      });
      return reply.code(401).type('text/html').send(loginPage(true));
    }
    log.info('console-login', `the console was opened from ${request.ip}`, { address: request.ip });
    return reply.header('set-cookie', access.sessionCookie(request)).redirect(PATH, 303);
  });
  http.post('/logout', (request, reply) =>
    reply.header('set-cookie', access.noCookie(request)).redirect(PATH, 303),
  );

  http.get('/api/events', (request, reply) =>
    stream(reply, events, () => access.userOf(request) !== undefined),
  );
  const board = await addBoard(http, PATH, '/queues', overview.queues);
  addActions(http, { settings, overview, history, desk, access, board, log });
}

const OPEN_FILES: ReadonlySet<string> = new Set([`${PATH}/page/console.css`, `${PATH}/page/icon.svg`]);

/** What whoever has not logged in may ask for: how to, and what that looks like. */
const isOpen = ({ method, url }: FastifyRequest): boolean =>
  (method === 'POST' && url === `${PATH}/login`) || (method === 'GET' && OPEN_FILES.has(url));

function refuse(request: FastifyRequest, reply: FastifyReply, access: Access): FastifyReply {
  const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html');
  if (isPage && access.takesPassword) return reply.code(401).type('text/html').send(loginPage(false));
  return reply.code(401).send({ problem: 'log in first' });
}

function send(reply: FastifyReply, file: { type: string; text: string } | undefined): FastifyReply {
  return file
    ? reply.type(file.type).send(file.text)
    : reply.code(404).send({ problem: 'there is no such file' });
}

/** Events as they happen, as server-sent events. @param mayHear whether whoever watches still may. */
function stream(reply: FastifyReply, events: LiveEvents, mayHear: () => boolean): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { ...reply.getHeaders(), 'content-type': 'text/event-stream' } as Record<
    string,
    string
  >);
  raw.write(':\n\n');
  const end = events.watch((message) => {
    if (raw.writableLength > BACKLOG || !mayHear()) {
      raw.destroy(); // where it merely read too slowly, its browser comes again
      return false;
    }
    raw.write(`data: ${JSON.stringify(message)}\n\n`);
    return true;
  });
  raw.once('close', end);
}
