// What is different on a terminal: colours, and a line that tells how far something long has come.
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Child, shellCommand } from './command.js';
import { run } from './in-process.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];

describe('redis-tokens on a terminal', function () {
  this.timeout(30_000);

  let server: RedisServer;
  let redis: Redis;
  let env: Record<string, string>;

  before(async () => {
    server = await startRedisServer({ log: () => {} });
    env = { REDIS_URL: server.url, TERM: 'xterm', COLORTERM: '' };
    redis = new Redis(server.url);
    await make();
    await redis.zadd('{rt:0}:s:shop:session', Date.now() + 60_000, 'none:of theirs'); // for the doctor to find
  });

  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  async function make(): Promise<void> {
    const tokens = new RedisTokens(server.url);
    const ann = {
      app: 'shop',
      type: 'session',
      owner: 'ann',
      limit: { max: 3, overflow: 'end-oldest' },
    } as const;
    for (let i = 0; i < 3; i++) await tokens.create({ ...ann, duration: 60, label: 'phone' });
    await tokens.close();
  }

  for (const args of [
    ['list', ...SCOPE, '--owner', 'ann'],
    ['owners', ...SCOPE],
    ['events'],
    ['config'],
    ['health'],
    ['doctor'],
    ['list', '--help'],
  ]) {
    it(`colours ${args[0]} ${args.at(-1) === '--help' ? '--help ' : ''}without moving anything`, async () => {
      const plain = await run(args, { env });
      const coloured = await run(args, { env, terminal: true });
      expect(plain.stdout).not.contain('\u001b').not.equal('');
      expect(coloured.stdout).contain('\u001b[').not.equal(plain.stdout);
      expect(stripVTControlCharacters(coloured.stdout)).equal(plain.stdout);
      expect(coloured.status).equal(plain.status);
    });
  }

  it('goes by NO_COLOR, FORCE_COLOR and TERM, and never colours JSON', async () => {
    const isColoured = async (more: Record<string, string>, terminal: boolean, ...args: string[]) =>
      (await run(['doctor', ...args], { env: { ...env, ...more }, terminal })).stdout.includes('\u001b');
    expect(await isColoured({}, false)).equal(false);
    expect(await isColoured({}, true)).equal(true);
    expect(await isColoured({ NO_COLOR: '1' }, true)).equal(false);
    expect(await isColoured({ TERM: 'dumb' }, true)).equal(false);
    expect(await isColoured({ FORCE_COLOR: '1' }, false)).equal(true);
    expect(await isColoured({ FORCE_COLOR: '0' }, true)).equal(false);
    expect(await isColoured({ FORCE_COLOR: '1' }, true, '--json')).equal(false);
  });

  it('colours what goes to a real one', async () => {
    const owners = shellCommand(`owners ${SCOPE.join(' ')}`);
    const { stdout, status } = await new Child('script', ['-qec', owners, '/dev/null'], { env }).ended;
    expect(status).equal(0);
    expect(stdout).equal('\u001b[1mTOKENS\u001b[22m  \u001b[1mOWNER\u001b[22m\r\n3       ann\r\n');
  });

  it('tells on one line how far a revocation and a look at everything have come', async () => {
    const line = (text: string) => `\\r\\[ +\\] +0% ${text}\u001b\\[K`;
    await redis.client('PAUSE', 800, 'ALL');
    const doctor = await run(['doctor'], { env, terminal: true });
    expect(doctor.stderr).match(
      new RegExp(`^(\\r.*)?${line('0/\\d+ keys, \\d problems')}.*\\r\u001b\\[K$`, 's'),
    );

    for (const revoke of [
      ['revoke-all', ...SCOPE, '--owner', 'ann', '--reason', 'lost'],
      ['revoke-scope', ...SCOPE, '--yes'],
      ['revoke-app', '--app', 'shop', '--yes'],
    ]) {
      await make();
      await redis.client('PAUSE', 1_200, 'WRITE');
      const told = await run(revoke, { env, terminal: true });
      expect(told).include({ status: 0, stdout: 'revoked 3\n' });
      expect(told.stderr).match(new RegExp(`^${line('0/[34] tokens')}.*\\r\u001b\\[K$`, 's'));
    }
  });
});
