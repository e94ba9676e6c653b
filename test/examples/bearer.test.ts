// The examples of bearer authentication, as servers of their own.
import { assert } from 'chai';
import { generateToken, RedisTokens } from '../../src/index.js';
import { freePort, type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { killPrograms, type Program } from '../acceptance/processes.js';
import { startExample } from './program.js';

const KEY = { app: 'shop', type: 'api-key', tokenPrefix: 'shop_key_' };

const ENDED = { code: 0, signal: null };
/** How each ends on SIGTERM: NestJS raises the signal again once it has shut down. */
const ENDS = new Map<string, Awaited<Program['ended']>>([
  ['express', ENDED],
  ['fastify', ENDED],
  ['nest', { code: null, signal: 'SIGTERM' }],
]);

describe('Bearer authentication', () => {
  let redis: RedisServer;
  let tokens: RedisTokens;
  const servers = new Map<string, { program: Program; url: string }>();

  before(async () => {
    redis = await startRedisServer();
    tokens = new RedisTokens(redis.url);
    for (const name of ENDS.keys()) {
      const port = await freePort();
      const program = startExample(name, { REDIS_URL: redis.url, PORT: String(port) });
      servers.set(name, { program, url: `http://127.0.0.1:${port}/me` });
      await program.line('listening');
    }
  });

  after(async () => {
    killPrograms();
    await tokens?.close();
    await redis?.stop();
  });

  const ask = (name: string, headers: Record<string, string> = {}) =>
    fetch(servers.get(name)?.url as string, { headers });
  const present = (name: string, token: string) => ask(name, { authorization: `Bearer ${token}` });

  for (const name of ENDS.keys()) {
    it(`with ${name} lets in who presents a live key, until it is revoked`, async () => {
      const key = await tokens.create({ ...KEY, owner: 'ann', data: { plan: 'pro' }, duration: 60 });
      assert.deepEqual(await (await present(name, key.token)).json(), { owner: 'ann', plan: 'pro' });
      const other = await tokens.create({ ...KEY, type: 'session', owner: 'ann', duration: 60 });
      assert.equal((await present(name, other.token)).status, 401, 'a token of another type is no key');
      await tokens.delete({ ...KEY, token: key.token });
      // A near cache hears of it at once, but not at the very same moment.
      while ((await present(name, key.token)).status !== 401);
    });

    it(`with ${name} answers everybody else with 401`, async () => {
      assert.equal((await ask(name)).status, 401);
      const unknown = generateToken('shop_key_');
      for (const authorization of ['', 'Bearer', 'Basic YTpi', `Bearer ${unknown}`, 'Bearer x y']) {
        assert.equal((await ask(name, { authorization })).status, 401, authorization);
      }
    });
  }

  it('does not take Redis that is away for a wrong key, and ends when it is told to', async () => {
    const key = await tokens.create({ ...KEY, owner: 'bob', duration: 60 });
    await redis.stop();
    const answers = await Promise.all([...ENDS.keys()].map((name) => present(name, key.token)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [503, 503, 503],
    );
    for (const { program } of servers.values()) program.kill('SIGTERM');
    for (const [name, { program }] of servers) assert.deepEqual(await program.ended, ENDS.get(name), name);
  });
});
