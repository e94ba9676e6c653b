// Requests that hold anything: the worker answers each, never with a failure of its own, and tells nothing to whoever has not logged in.
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { assert } from 'chai';
import fc from 'fast-check';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { RedisTokens } from '../../../src/index.js';
import { PASSWORD, type Stage, setStage } from '../../service/console/stage.js';
import { Opened } from '../../support/opened.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { garbled, json, SECRET, tampered, text } from './hostile.js';

const OWNER = { app: 'shop', type: 'session', owner: 'ann-of-the-fuzz' };
/** Milliseconds for which a socket is listened to. */
const PATIENCE = 3_000;

const PATHS = [
  ...[
    '/livez',
    '/readyz',
    '/metrics',
    '/',
    '/console',
    '/console/',
    '/console/page/main.js',
    '/console/page/console.css',
  ],
  ...[
    '/console/api/overview',
    '/console/api/dead-letters',
    '/console/login',
    '/console/logout',
    '/console/queues',
  ],
  ...[
    '/console/api/revoke',
    '/console/api/revoke-all',
    '/console/api/dead-letters/retry',
    '/console/api/dead-letters/drop',
  ],
  ...[
    '/console/queues/',
    '/console/queues/api/queues',
    '/console/queues/static/favicon.ico',
    '/console/api/nothing',
  ],
  ...[
    '/console/page/../../package.json',
    '/console/page/%2e%2e%2findex.html',
    '/console//api/overview',
    '/CONSOLE',
  ],
  '/console/api/tokens?app=shop&type=session&owner=ann-of-the-fuzz',
];
const path = fc
  .oneof(
    { weight: 4, arbitrary: fc.constantFrom(...PATHS) },
    { weight: 3, arbitrary: garbled(fc.constantFrom(...PATHS)) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...PATHS), text).map(([at, query]) => `${at}?${query}`),
    },
    { weight: 1, arbitrary: text },
  )
  .map((at) => `/${at.replaceAll(/[\\\s]/g, '').replace(/^\/+/, '')}`.slice(0, 9_000));

/** What can stand in a header at all. */
const header = fc
  .oneof(text, fc.constant(SECRET))
  .map((value) => value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 4_000));

const headers = fc.dictionary(
  fc.constantFrom(
    ...[
      'accept',
      'cookie',
      'origin',
      'host',
      'sec-fetch-site',
      'content-type',
      'x-forwarded-user',
      'x-forwarded-for',
    ],
    ...[
      'x-forwarded-proto',
      'authorization',
      'if-none-match',
      'range',
      'accept-encoding',
      'x-http-method-override',
    ],
  ),
  fc.oneof(
    header,
    fc.constantFrom('text/html', 'application/json', 'same-origin', 'application/x-www-form-urlencoded'),
    fc.constantFrom('redis-tokens-console=1.x', 'redis-tokens-console=9999999999999.', 'https', '127.0.0.1'),
    garbled(fc.constant(`redis-tokens-console=${Date.now() + 9e9}.${'a'.repeat(43)}`)),
  ),
  { maxKeys: 5 },
);

const body = fc.oneof(
  fc.constant(undefined),
  text,
  json.map((value) => JSON.stringify(value)),
  tampered(fc.constant({ ...OWNER, id: 'i'.repeat(22), lane: 'commands', job: 'j-1', password: 'x' })).map(
    (value) => JSON.stringify(value) ?? '',
  ),
  fc.constantFrom(`password=${SECRET}`, 'x'.repeat(70_000)),
);

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const requests: fc.Arbitrary<InjectOptions> = fc.record({
  method: fc.constantFrom(...METHODS, 'GET', 'POST'),
  url: path,
  headers,
  payload: body as fc.Arbitrary<string>,
});

/** Answered without the headers of security, once. */
const FOUND: InjectOptions[] = [{ method: 'PUT', url: '/console/api/revoke-all', payload: '[]' }];

describe('Fuzzing: HTTP', function () {
  this.timeout(TIMEOUT);
  const opened = new Opened();

  async function open(): Promise<Stage> {
    const stage = opened.add(await setStage({ REDIS_TOKENS_CONSOLE_PASSWORD: PASSWORD }));
    const tokens = new RedisTokens(stage.url, { prefix: stage.prefix });
    await tokens.create({ ...OWNER, duration: 3_600 });
    await tokens.close();
    return stage;
  }

  it('is answered, with the headers of security, and without a word to a stranger', async () => {
    const { http, prefix } = await open();
    await fuzz(requests, FOUND, async (request) => {
      const answer = await http.inject(request);
      assert.isBelow(answer.statusCode, 500, answer.body);
      if (!isOfConsole(request)) return;
      for (const secret of [prefix, 'ann-of-the-fuzz"', SECRET]) assert.notInclude(answer.body, secret);
      isGuarded(answer);
      if (answer.statusCode < 300)
        assert.match(pathOf(request.url), /^\/console\/page\/(console\.css|icon\.svg)$/, 'open to all');
    });
  });

  it('is answered to whoever has logged in, too', async () => {
    const { http } = await open();
    const own = { 'sec-fetch-site': 'same-origin' };
    const login = await http.inject({
      ...{ method: 'POST', url: '/console/login', headers: own, payload: { password: PASSWORD } },
    });
    const cookie = String(login.headers['set-cookie']).split(';')[0] as string;
    const known = requests.filter(({ url }) => !String(url).includes('api/events'));
    await fuzz(known, FOUND, async (request) => {
      const given = { ...request.headers, ...own, cookie };
      const answer = await http.inject({ ...request, headers: given });
      assert.isBelow(answer.statusCode, 500, answer.body);
      if (isOfConsole(request)) isGuarded(answer);
      assert.notInclude(answer.body, '    at ');
    });
  });

  it('is answered, or its connection closed, whatever bytes come', async () => {
    const { http } = await open();
    await http.listen({ port: 0, host: '127.0.0.1' });
    const { port } = http.server.address() as AddressInfo;
    const right =
      'POST /console/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Type: application/json\r\n\r\n{"a"';
    const bytes = fc.oneof(garbled(fc.constantFrom(right, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')), text);
    await fuzz(bytes, [], async (sent) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      let said = '';
      socket.setEncoding('latin1').on('data', (part) => {
        said += part;
      });
      // What it waits for does not come: so it must not wait on.
      socket.end(sent);
      await once(socket, 'close', { signal: AbortSignal.timeout(PATIENCE) });
      assert.notMatch(said, /^HTTP\/1\.1 5\d\d/m);
    });
    const answer = await fetch(`http://127.0.0.1:${port}/livez`);
    assert.equal(answer.status, 200);
  });
});

/** As what is sent names it: dots are gone. */
const pathOf = (url: InjectOptions['url']) => new URL(String(url), 'http://localhost').pathname;
const isOfConsole = ({ url }: InjectOptions) => /^\/console(\/|$)/.test(pathOf(url));

function isGuarded({ headers: given, body }: LightMyRequestResponse): void {
  if (body.includes('"FST_ERR_')) return; // fastify's own words, before it looks whose page that is

  assert.include(String(given['content-security-policy']), "default-src 'none'");
  assert.equal(given['x-frame-options'], 'DENY');
  assert.equal(given['x-content-type-options'], 'nosniff');
  // The files of Bull Board's page hold nothing of a deployment.
  assert.match(String(given['cache-control']), /^(no-store|public, max-age=0)$/);
}
