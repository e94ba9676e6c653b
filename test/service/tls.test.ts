// The command and the worker's process over TLS, by files that settings name; and what is wrong with those, told at once.
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { type Child, start } from '../cli/command.js';
import { run } from '../cli/in-process.js';
import { SecuredRedis } from '../support/certificates.js';
import { Opened } from '../support/opened.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];
const ANN = { app: 'shop', type: 'session', owner: 'ann' };

describe('TLS by settings', function () {
  this.timeout(60_000);
  const opened = new Opened();
  const secured = new SecuredRedis();
  let url: string;
  let env: Record<string, string>;

  before(() => {
    url = `rediss://localhost:${secured.server.port}`;
    env = {
      REDIS_URL: url,
      REDIS_TOKENS_TLS_CA: secured.certificates.path('ca.crt'),
      REDIS_TOKENS_TLS_CERT: secured.certificates.path('client.crt'),
      REDIS_TOKENS_TLS_KEY: secured.certificates.path('client.key'),
    };
  });

  function process(args: string[], more: Record<string, string> = {}): Child {
    const child = start(args, { env: { ...env, ...more } });
    return opened.later(child, () => child.kill());
  }

  it('a worker serves, with its metrics and console, and each command reaches it', async () => {
    const worker = process(['worker'], {
      REDIS_TOKENS_HTTP_PORT: '0',
      REDIS_TOKENS_CONSOLE_USER_HEADER: 'X-User',
    });
    await worker.says(/is ready on rediss:\/\/localhost/);
    const [, http = ''] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(worker.stdout) ?? [];
    expect((await fetch(`${http}/readyz`)).status).equal(200);
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).contain('redis_tokens_redis_up 1').contain('redis_tokens_queue_workers{');
    const owner = new URLSearchParams(ANN);
    const desk = await fetch(`${http}/console/api/tokens?${owner}`, { headers: { 'X-User': 'ann' } });
    expect(await desk.json()).include({ count: 0 });

    const watcher = process(['watch', '--event', 'token-revoked']);
    await watcher.says(/connected to rediss:/);
    const created = await run(
      ['create', ...SCOPE, '--owner', 'ann', '--duration', '1h', '--queue', '--json'],
      { env },
    );
    expect(created).include({ status: 0, stderr: '' });
    const { token, id } = JSON.parse(created.stdout);
    for (const args of [['stats'], ['queue'], ['dead-letters', 'list'], ['doctor'], ['health'], ['events']]) {
      expect(await run(args, { env }), args.join(' ')).include({ status: 0, stderr: '' });
    }
    expect(await run(['revoke', ...SCOPE, '-'], { env, input: token })).include({ status: 0 });
    await watcher.says(new RegExp(id));
    worker.process.kill('SIGTERM');
    expect(await worker.ended).include({ status: 0, stderr: '' });
  });

  it('old tokens are moved by the same certificates', async () => {
    const old = await secured.certificates.startRedis();
    opened.later(old, () => old.stop());
    const client = new Redis({ port: old.port, tls: secured.certificates.of('client') });
    opened.later(client, () => client.disconnect());
    await client.set('app:shop|type:session|owner:bob|token:old', '{}', 'EX', 60);
    const moved = await run(['migrate', '--from', `rediss://localhost:${old.port}`, '--json'], { env });
    expect(JSON.parse(moved.stdout)).include({ found: 1, moved: 1 });
  });

  it('a user, a password and a database of the URL count as they do elsewhere', async () => {
    const connection = { port: secured.server.port, tls: secured.certificates.of('client'), db: 2 };
    const admin = new Redis(connection);
    opened.later(admin, () => admin.disconnect());
    await admin.acl('SETUSER', 'ann', 'on', '>s3/cret', '~*', '&*', '+@all');
    const there = opened.add(new RedisTokens(connection));
    await there.create({ ...ANN, duration: 60 });
    const listed = await run(
      [
        '--url',
        `rediss://ann:s3%2Fcret@localhost:${secured.server.port}/2`,
        'list',
        ...SCOPE,
        '--owner',
        'ann',
        '--json',
      ],
      { env },
    );
    expect(JSON.parse(listed.stdout)).length(1);
    const shown = await run(
      ['--url', `rediss://ann:s3%2Fcret@localhost:${secured.server.port}/2`, 'config'],
      {
        env,
      },
    );
    expect(shown.stdout)
      .contain(`rediss://localhost:${secured.server.port}/2`)
      .not.match(/s3|PRIVATE|BEGIN/);
  });

  it('a worker whose certificate is refused says so, and goes on trying', async () => {
    const worker = process(['worker'], { REDIS_TOKENS_TLS_CA: secured.certificates.path('foreign-ca.crt') });
    await worker.says(/certificate of Redis is not accepted: self-signed .*; still trying rediss:/);
    worker.process.kill('SIGTERM');
    expect((await worker.ended).status).equal(0);
  });

  it('a command that is refused tells why, with the status of an unreachable Redis', async () => {
    const { REDIS_URL = '', REDIS_TOKENS_TLS_CA = '' } = env;
    const refused = await run(['stats'], { env: { REDIS_URL, REDIS_TOKENS_TLS_CA } });
    expect(refused.status).equal(3);
    expect(refused.stderr).match(/does not accept this client's certificate, or wants one/);
  });

  it('files that can not work are told all at once, by name, before anything is opened', async () => {
    const garbage = secured.certificates.path('garbage.pem');
    writeFileSync(garbage, 'none');
    const told = async (more: Record<string, string>) => {
      const { status, stderr } = await run(['stats'], { env: { ...env, ...more } });
      expect(status).equal(2);
      return stderr;
    };
    expect(
      await told({
        REDIS_TOKENS_TLS_CA: '/nowhere/ca.pem',
        REDIS_TOKENS_TLS_KEY: garbage,
        REDIS_TOKENS_SHARDS: '3',
      }),
    )
      .match(/"shards"/)
      .match(/"tlsCa": \/nowhere\/ca\.pem: ENOENT.*\(given by REDIS_TOKENS_TLS_CA\)/)
      .match(/"tlsKey": \S*garbage\.pem: .*\(given by REDIS_TOKENS_TLS_KEY\)/);
    expect(await told({ REDIS_TOKENS_TLS_CERT: garbage })).match(/"tlsCert": \S*garbage\.pem: /);
    expect(await told({ REDIS_TOKENS_TLS_KEY: '' })).match(/"tlsKey": goes with tlsCert/);
    expect(await told({ REDIS_TOKENS_TLS_CERT: '' })).match(/"tlsCert": goes with tlsKey/);
    expect(await told({ REDIS_TOKENS_TLS_KEY: secured.certificates.path('server.key') })).match(
      /"tlsKey": is not the key of the certificate/,
    );
    expect(await told({ REDIS_URL: `redis://localhost:${secured.server.port}` })).match(
      /"connection" must be rediss:\/\//,
    );
  });
});
