// The users that `redis-tokens acl` prints: read by Redis as they stand, and enough for each process that they are for.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { ROLES } from '../../src/service/acl/roles.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { freshPrefix } from '../support/redis.js';
import { type Child, start } from './command.js';
import { run } from './in-process.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];
const HASH = createHash('sha256').update('secret').digest('hex');

describe('redis-tokens acl', function () {
  this.timeout(60_000);
  let folder: string;
  let server: RedisServer;
  let admin: Redis;
  let prefix: string;
  const children: Child[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-tokens-acl-'));
    prefix = freshPrefix();
    const lines = ['user default on nopass ~* &* +@all'];
    for (const role of ROLES) {
      const { status, stdout, stderr } = await run([
        '--prefix',
        prefix,
        'acl',
        '--role',
        role,
        '--password-hash',
        HASH,
      ]);
      expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
      lines.push(stdout.trimEnd());
    }
    writeFileSync(join(folder, 'users.acl'), `${lines.join('\n')}\n`);
    server = await startRedisServer({ args: ['--aclfile', join(folder, 'users.acl')], log: () => {} });
    admin = new Redis(server.url);
  });
  afterEach(() => Promise.all(children.splice(0).map((child) => child.kill())));
  after(async () => {
    admin.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const env = (role: string) => ({
    REDIS_URL: server.url.replace('redis://', `redis://${prefix}-${role}:secret@`),
    REDIS_TOKENS_PREFIX: prefix,
  });

  async function refusals(): Promise<string[]> {
    const log = (await admin.call('ACL', 'LOG')) as unknown[][];
    await admin.call('ACL', 'LOG', 'RESET');
    return log.map((entry) =>
      ['username', 'reason', 'object'].map((name) => entry[entry.indexOf(name) + 1]).join(' '),
    );
  }

  function startProcess(args: string[], role: string, more: Record<string, string> = {}): Child {
    const child = start(args, { env: { ...env(role), ...more } });
    children.push(child);
    return child;
  }

  it('gives a worker’s process, with its metrics and console, and an operator’s commands all that they need', async () => {
    const worker = startProcess(['worker'], 'worker', {
      REDIS_TOKENS_HTTP_PORT: '0',
      REDIS_TOKENS_CONSOLE_USER_HEADER: 'X-User',
    });
    await worker.says(/is ready on/);
    const [, http = ''] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(worker.stdout) ?? [];
    const headers = { 'X-User': 'ann', 'sec-fetch-site': 'same-origin' };
    const ann = { app: 'shop', type: 'session', owner: 'ann' };
    for (const path of [
      '/readyz',
      '/metrics',
      '/console/api/overview',
      `/console/api/tokens?${new URLSearchParams(ann)}`,
      '/console/api/dead-letters',
    ]) {
      const { status } = await fetch(`${http}${path}`, { headers });
      expect({ path, status }).deep.equal({ path, status: 200 });
    }
    const watcher = startProcess(['watch', '--app', 'shop'], 'operator');
    await watcher.says(/connected to/);
    const said = async (args: string[], input = '') => {
      const { status, stdout, stderr } = await run(args, { env: env('operator'), input });
      expect({ args, status, stderr }).deep.equal({ args, status: 0, stderr: '' });
      return stdout;
    };
    const create = ['create', ...SCOPE, '--owner', 'ann', '--duration', '1h', '--token-only'];
    const [token, queued] = [await said(create), await said([...create, '--queue'])];
    for (const args of [
      ['get', ...SCOPE, '-'],
      ['update', ...SCOPE, '-', '--data', '{"a":1}'],
      ['refresh', ...SCOPE, '-', '--duration', '2h', '--queue'],
    ])
      await said(args, token);
    for (const args of [
      ['list', ...SCOPE, '--owner', 'ann'],
      ['count', ...SCOPE],
      ['owners', ...SCOPE],
      ['stats'],
      ['health', '--here'],
      ['events', '--since', '1h'],
      ['queue'],
      ['queue', 'pause', '--lane', 'commands'],
      ['queue', 'resume'],
      ['dead-letters', 'list'],
      ['dead-letters', 'retry', '--all'],
      ['doctor'],
      ['doctor', '--fix'],
    ])
      await said(args);
    await said(['revoke', ...SCOPE, '-'], token);
    await said(['revoke', ...SCOPE, '-', '--queue'], queued);
    await said(['revoke-all', ...SCOPE, '--owner', 'ann']);
    await said(['revoke-scope', ...SCOPE, '--yes']);
    await watcher.says(/token-revoked/);
    worker.process.kill('SIGTERM');
    const { status, stderr } = await worker.ended;
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    expect((await refusals()).filter((refusal) => !refusal.includes(' channel '))).deep.equal([]);
  });

  it('lets an operator’s doctor repair, whatever is wrong', async () => {
    const tokens = new RedisTokens(server.url, { prefix });
    const { id } = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
    await tokens.close();
    await admin.del(`{${prefix}:0}:o:shop:session:ann`, `{${prefix}}:meta`);
    await admin.set(`{${prefix}:0}:t:${'x'.repeat(22)}`, 'unreadable');
    const { status, stdout } = await run(['doctor', '--fix', '--json'], { env: env('operator') });
    expect({ status, problems: JSON.parse(stdout).problems }).property('status', 0);
    expect(await admin.zscore(`{${prefix}:0}:o:shop:session:ann`, id)).a('string');
    expect(await refusals()).deep.equal([]);
  });

  it('prints a user of each role, whom nobody can be until a password is filled in', async () => {
    const { status, stdout, stderr } = await run(['acl']);
    expect(status).equal(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 4).join(' '))).deep.equal(
      ROLES.map((role) => `user rt-${role} reset on`),
    );
    expect(stderr).contain('put the hash of a password in place of SHA256-OF-ITS-PASSWORD');
    for (const line of lines) {
      const [, name = '', ...rules] = line.split(' ');
      const error = await admin.call('ACL', 'SETUSER', name, ...rules).then(
        () => undefined,
        (each: Error) => each,
      );
      expect(error?.message).match(/SHA256-OF-ITS-PASSWORD/);
    }
  });

  it('prints a command for redis-cli, and JSON; of one user, with a name and a hash', async () => {
    const one = ['acl', '--role', 'producer', '--user', 'checkout', '--password-hash', HASH];
    const { stdout } = await run([...one, '--as', 'setuser']);
    expect(stdout).match(new RegExp(`^ACL SETUSER checkout reset on #${HASH} resetchannels %R~`));
    const [command = '', ...args] = stdout.trimEnd().split(' ');
    expect(await admin.call(command, ...args)).equal('OK');
    const { stdout: json, stderr } = await run([...one, '--json']);
    expect(stderr).equal('');
    const [user] = JSON.parse(json);
    expect(user).include({ name: 'checkout', role: 'producer' }).property('purpose').a('string');
    expect(user.rules.join(' ')).equal(args.slice(2).join(' '));
  });

  it('takes no password, no hash that is none, and one name for one user', async () => {
    for (const [args, problem] of [
      [['--password-hash', HASH], /need --role/],
      [['--user', 'x'], /need --role/],
      [['--role', 'reader', '--password-hash', 'hunter2'], /must be a SHA-256/],
      [['--role', 'reader', '--user', 'a b'], /--user must be/],
      [['--role', 'king'], /reader, application, producer, subscriber, worker, operator/],
    ] as const) {
      const { status, stdout, stderr } = await run(['acl', ...args]);
      expect({ status, stdout }).deep.equal({ status: 2, stdout: '' });
      expect(stderr).match(problem).not.contain('hunter2');
    }
  });
});
