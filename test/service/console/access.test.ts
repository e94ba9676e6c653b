// Who may use the console, and who may not.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import sinon from 'sinon';
import { RedisTokens } from '../../../src/index.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';
import { PASSWORD, type Stage, setStage } from './stage.js';

const WITH_PASSWORD = { REDIS_TOKENS_CONSOLE_PASSWORD: PASSWORD };
const WITH_PROXY = {
  REDIS_TOKENS_CONSOLE_USER_HEADER: 'X-Forwarded-User',
  REDIS_TOKENS_CONSOLE_PROXIES: '10.1.0.0/16, ::1',
};

const OWN = { 'sec-fetch-site': 'same-origin' };
const OWNER = { app: 'shop', type: 'session', owner: 'ann' };

const READS = [
  '/console',
  '/console/',
  '/console/page/main.js',
  '/console/api/overview',
  '/console/api/events',
];
const MORE_READS = ['/console/api/tokens?app=shop&type=session&owner=ann', '/console/api/dead-letters'];
const BOARD = [
  '/console/queues',
  '/console/queues/',
  '/console/queues/api/queues',
  '/console/queues/static/favicon.ico',
];
const CHANGES = ['revoke', 'revoke-all', 'dead-letters/retry', 'dead-letters/drop'].map(
  (name) => `/console/api/${name}`,
);

const POLICY = [
  "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;font-src 'self'",
  "connect-src 'self';form-action 'self';base-uri 'self';frame-ancestors 'none'",
].join(';');

describe('the console', () => {
  const opened = new Opened();

  const stage = async (env: Record<string, string>): Promise<Stage> => {
    const made = await setStage(env);
    return opened.add(made);
  };

  const ask = (http: Stage['http'], url: string, more: InjectOptions = {}): Promise<LightMyRequestResponse> =>
    http.inject({ method: 'GET', url, ...more });

  const logIn = async (http: Stage['http'], password = PASSWORD): Promise<LightMyRequestResponse> =>
    ask(http, '/console/login', { method: 'POST', headers: OWN, payload: { password } });

  const sessionOf = (response: LightMyRequestResponse): string =>
    String(response.headers['set-cookie']).split(';')[0] as string;

  it('is not there unless somebody may use it', async () => {
    const { http } = await stage({});
    for (const url of [...READS, ...BOARD]) expect((await ask(http, url)).statusCode, url).equal(404);
    expect((await ask(http, '/readyz')).json()).deep.equal({ status: 'ready' });
  });

  it('shows nothing to a visitor without credentials, wherever he looks', async () => {
    const { http, prefix } = await stage(WITH_PASSWORD);
    for (const url of [...READS, ...MORE_READS, ...BOARD]) {
      for (const accept of ['text/html', 'application/json']) {
        const { statusCode, body } = await ask(http, url, {
          headers: { accept, cookie: 'redis-tokens-console=1.x' },
        });
        expect({ url, statusCode }).deep.equal({ url, statusCode: 401 });
        expect(body).not.contain(prefix).not.contain('live');
      }
    }
    for (const url of CHANGES) {
      const { statusCode } = await ask(http, url, { method: 'POST', headers: OWN, payload: OWNER });
      expect({ url, statusCode }).deep.equal({ url, statusCode: 401 });
    }
  });

  it('lets in whoever has the password, for eight hours, and out again', async () => {
    const { http, lines } = await stage(WITH_PASSWORD);
    const wrong = await logIn(http, 'correct horse');
    expect(wrong.statusCode).equal(401);
    expect(wrong.headers['set-cookie']).equal(undefined);
    const right = await logIn(http);
    expect(right.headers).include({ location: '/console' });
    expect(String(right.headers['set-cookie']))
      .match(/; HttpOnly; SameSite=Strict$/)
      .contain('Path=/console');
    expect(lines.map(({ event }) => event)).deep.equal(['console-refused', 'console-login']);
    expect(JSON.stringify(lines)).not.contain('horse');

    const cookie = sessionOf(right);
    const status = async (given: string) =>
      (await ask(http, '/console/api/overview', { headers: { cookie: given } })).statusCode;
    expect(await status(cookie)).equal(200);
    const [name, value = ''] = cookie.split('=');
    const [ends = '', signature = ''] = value.split('.');
    expect(await status(`${name}=${Number(ends) + 1}.${signature}`), 'prolonged by hand').equal(401);
    expect(await status(`${name}=${ends}.`), 'without a signature').equal(401);
    const clock = sinon.useFakeTimers({ now: Date.now() + 8 * 3_600_000, toFake: ['Date'] });
    try {
      expect(await status(cookie), 'when it has ended').equal(401);
    } finally {
      clock.restore();
    }
    const out = await ask(http, '/console/logout', { method: 'POST', headers: { ...OWN, cookie } });
    expect(String(out.headers['set-cookie'])).match(/^redis-tokens-console=; Max-Age=0/);
  });

  it('tells no more events when the session is over', async () => {
    const { http, url, prefix } = await stage(WITH_PASSWORD);
    const base = await http.listen({ port: 0, host: '127.0.0.1' });
    const headers = { cookie: sessionOf(await logIn(http)) };
    const { body } = await fetch(`${base}/console/api/events`, { headers });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    const told = async (): Promise<string> => {
      const { value, done } = await reader.read();
      return done ? 'over' : Buffer.from(value).toString();
    };
    expect(await told()).equal(':\n\n');
    await eventually('it hears', async () => {
      await tokens.create({ ...OWNER, duration: 60 });
      return Promise.race([told(), wait(300)]);
    });
    const clock = sinon.useFakeTimers({ now: Date.now() + 8 * 3_600_000, toFake: ['Date'] });
    try {
      await tokens.create({ ...OWNER, duration: 60 });
      expect(await told().catch(() => 'over')).equal('over');
    } finally {
      clock.restore();
    }
  });

  it('takes no session of another deployment, or of another password', async () => {
    const [one, other] = [await stage(WITH_PASSWORD), await stage(WITH_PASSWORD)];
    const cookie = sessionOf(await logIn(one.http));
    expect((await ask(other.http, '/console', { headers: { cookie } })).statusCode).equal(401);
  });

  it('takes ten attempts at the password in a minute', async () => {
    const { http } = await stage(WITH_PASSWORD);
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await logIn(http, `guess number ${i}`)).statusCode);
    expect(statuses).deep.equal([...Array(10).fill(401), 429]);
    expect((await logIn(http)).statusCode, 'the right one, too').equal(429);
  });

  it('does nothing that another site asks for in a visitor’s name', async () => {
    const { http, url, prefix } = await stage(WITH_PASSWORD);
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    await tokens.create({ ...OWNER, duration: 60 });
    const cookie = sessionOf(await logIn(http));
    const strangers: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ];
    for (const headers of strangers) {
      for (const change of [...CHANGES, '/console/login', '/console/logout']) {
        const options: InjectOptions = { method: 'POST', headers: { ...headers, cookie }, payload: OWNER };
        const { statusCode } = await ask(http, change, options);
        expect({ change, headers, statusCode }).deep.equal({ change, headers, statusCode: 403 });
      }
    }
    expect(await tokens.count(OWNER)).equal(1);
    const own = {
      headers: { host: 'console.example:8080', origin: 'http://console.example:8080', cookie },
      payload: OWNER,
    };
    const { body } = await ask(http, '/console/api/revoke-all', { method: 'POST', ...own });
    expect(JSON.parse(body)).deep.equal({ revoked: 1 });
  });

  it('believes a name in the header from a trusted proxy, and from nobody else', async () => {
    const { http, lines } = await stage(WITH_PROXY);
    const from = (remoteAddress: string, headers: Record<string, string>) =>
      ask(http, '/console/api/overview', { remoteAddress, headers });
    expect((await from('10.1.2.3', { 'x-forwarded-user': 'olga' })).json()).include({
      user: 'olga',
      canLogOut: false,
    });
    expect((await from('::ffff:10.1.2.3', { 'x-forwarded-user': 'olga' })).statusCode).equal(200);
    expect((await from('10.2.0.1', { 'x-forwarded-user': 'olga' })).statusCode).equal(401);
    expect((await from('127.0.0.1', { 'x-forwarded-user': 'olga' })).statusCode).equal(401);
    expect((await from('10.1.2.3', {})).statusCode).equal(401);
    expect((await from('10.1.2.3', { 'x-forwarded-user': '' })).statusCode).equal(401);
    const login = await ask(http, '/console/login', {
      method: 'POST',
      headers: OWN,
      payload: { password: '' },
    });
    expect(login.statusCode, 'there is no password').equal(401);

    const revoke: InjectOptions = { method: 'POST', remoteAddress: '::1', payload: OWNER };
    await ask(http, '/console/api/revoke-all', {
      ...revoke,
      headers: { ...OWN, 'x-forwarded-user': 'olga' },
    });
    expect(lines.at(-1)).deep.include({
      event: 'console-revoke-all',
      fields: { user: 'olga', ...OWNER, revoked: 0 },
    });
  });

  it('says so where the browser is to keep what it loads to itself', async () => {
    const { http } = await stage(WITH_PASSWORD);
    const cookie = sessionOf(await logIn(http));
    for (const url of ['/console', '/console/queues/', '/console/api/overview', '/console/api/nothing']) {
      const { headers } = await ask(http, url, { headers: { cookie } });
      expect(headers['content-security-policy']).equal(POLICY);
      expect(headers).include({
        'cache-control': 'no-store',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
    }
  });

  it('changes nothing from the board of the queues, by whatever request', async () => {
    const { http } = await stage(WITH_PASSWORD);
    const headers = { ...OWN, cookie: sessionOf(await logIn(http)) };
    expect((await ask(http, '/console/queues/api/queues', { headers })).statusCode).equal(200);
    const routes = [
      'pause',
      'resume',
      'commands/pause',
      'commands/add',
      'commands/clean/failed',
      'commands/j/retry',
    ];
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      for (const route of routes) {
        const url = `/console/queues/api/queues/${route}`;
        const { statusCode } = await ask(http, url, { method, headers, payload: {} });
        expect(statusCode, `${method} ${url}`).be.oneOf([404, 405]);
      }
    }
  });

  it('gives no request for ever to arrive', async () => {
    const { http } = await stage(WITH_PASSWORD);
    expect(http.server.requestTimeout).equal(30_000);
  });

  it('answers what is wrong with a request, and does nothing', async () => {
    const { http } = await stage(WITH_PASSWORD);
    const cookie = sessionOf(await logIn(http));
    const post = (url: string, payload: object) =>
      ask(http, url, { method: 'POST', headers: { ...OWN, cookie }, payload });
    const answers = [
      await ask(http, '/console/api/tokens?app=shop', { headers: { cookie } }),
      await post('/console/api/revoke', OWNER),
      await post('/console/api/revoke', { ...OWNER, id: 'no id' }),
      await post('/console/api/revoke-all', { ...OWNER, owner: ['ann'] }),
      await post('/console/api/dead-letters/retry', { lane: 'wait', job: 'j-1' }),
    ];
    for (const { statusCode, body } of answers) {
      expect(statusCode).equal(400);
      expect(JSON.parse(body)).have.property('problem').a('string');
    }
    expect(
      (await post('/console/api/dead-letters/drop', { lane: 'commands', job: 'j-1' })).json(),
    ).deep.equal({ done: false });
  });
});
