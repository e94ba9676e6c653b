// `redis-tokens watch` and `redis-tokens health`: the commands that look at what others do.
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens, type TokenOperations, TokenWorker } from '../../src/index.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Child, shellCommand, start } from './command.js';
import { run } from './in-process.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

describe('redis-tokens watch', function () {
  this.timeout(60_000);

  let env: Record<string, string>;
  let tokens: TokenOperations;
  let children: Child[];

  beforeEach(async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    tokens = new RedisTokens(url, { prefix });
    await tokens.ready();
    children = [];
  });

  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await tokens.close();
  });

  it('prints what is revoked as it happens, until Ctrl-C', async () => {
    const lines = start(['watch', '--app', 'shop'], { env });
    const json = start(['watch', '--event', 'token-revoked', 'guessing-suspected', '--json'], { env });
    children = [lines, json];
    await Promise.all(children.map((child) => child.says(/connected to redis:/)));
    const { token, id } = await tokens.create({ ...ANN, duration: 60 });
    await tokens.create({ ...ANN, app: 'other', duration: 60 });
    const counting = new RedisTokens(env.REDIS_URL, {
      prefix: env.REDIS_TOKENS_PREFIX,
      guessing: { misses: 1 },
    });
    await counting.get({ app: 'shop', type: 'session', token: 'none', client: '203.0.113.7' });
    await counting.close();
    await lines.says(/guessing-suspected/);
    await tokens.delete({ ...ANN, token });
    await Promise.all([lines.says(/token-revoked/), json.says(/token-revoked/)]);
    for (const child of children) child.process.kill('SIGINT');
    const [shown, parsed] = await Promise.all([lines.ended, json.ended]);
    expect([shown.status, parsed.status]).deep.equal([0, 0]);
    expect(
      shown.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/).slice(1, 3)),
    ).deep.members([
      ['token-created', id], // from the log: it may come behind what is in none
      ['guessing-suspected', '203.0.113.7'],
      ['token-revoked', id],
    ]);
    expect(shown.stdout).contain('app=shop type=session owner=ann').contain('reason=deleted');
    const [suspicion, event, ...others] = parsed.stdout.trim().split('\n');
    expect(JSON.parse(suspicion ?? '')).include({ type: 'guessing-suspected' });
    expect(JSON.parse(event ?? '')).include({ type: 'token-revoked', subject: id, specversion: '1.0' });
    expect(others).deep.equal([]);
    expect(shown.stdout + shown.stderr + parsed.stdout).not.contain(token);
  });

  it('prints first what happened in the time that it is told, with all that the events tell', async () => {
    const { token, id } = await tokens.create({ ...ANN, duration: 60 });
    const second = await tokens.rotate({ ...ANN, token });
    await tokens.deleteAll({ ...ANN, reason: 'password changed', by: 'user' });
    const child = start(['watch', '--since', '5m'], { env });
    children = [child];
    await child.says(/token-revoked/);
    child.process.kill('SIGINT');
    const { stdout } = await child.ended;
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\S+ /, ''));
    const about = 'app=shop type=session owner=ann';
    expect(told).deep.equal([
      `token-created   ${id} ${about} version=1`,
      `token-rotated   ${id} ${about} version=2 successor=${second?.id}`,
      `token-revoked   ${second?.id} ${about} version=2 reason=password changed by=user`,
    ]);
    const wrong = await run(['watch', '--since', 'yesterday'], { env });
    expect(wrong).include({ status: 2, stdout: '' });
    expect(wrong.stderr).contain('--since must be seconds');
  });

  it('waits for a Redis that is not there yet', async () => {
    const gone = await startRedisServer({ log: () => {} });
    await gone.stop();
    const child = start(['watch'], { env: { ...env, REDIS_URL: gone.url, REDIS_TOKENS_TIMEOUT: '1000' } });
    children = [child];
    await child.says(/still trying/);
    const back = await startRedisServer({ port: gone.port, log: () => {} });
    try {
      await child.says(/connected to redis:/);
    } finally {
      await child.kill();
      await back.stop();
    }
  });

  it('tells that its log was lost', async () => {
    const child = start(['watch'], { env });
    children = [child];
    await child.says(/connected to redis:/);
    await tokens.create({ ...ANN, duration: 60 });
    await child.says(/token-created/);
    const redis = new Redis(env.REDIS_URL as string);
    await redis.del(`{${env.REDIS_TOKENS_PREFIX}:0}:log`).finally(() => redis.disconnect());
    await child.says(/events of shard 0 after \d+-\d+ were lost; its log has begun anew\n/);
  });

  it('ends quietly when its reader has gone', async () => {
    const pipe = new Child(
      'bash',
      ['-c', `set -o pipefail; ${shellCommand('watch --json')} | head -n 1`],
      { env },
      true,
    );
    children = [pipe];
    await pipe.says(/connected to redis:/);
    const events = setInterval(() => tokens.create({ ...ANN, duration: 60 }).catch(() => {}), 50);
    const { status, stdout, stderr } = await pipe.ended.finally(() => clearInterval(events));
    expect(status).equal(0);
    expect(stdout.trim().split('\n')).length(1);
    expect(stderr).match(/^redis-tokens: connected to \S+\n$/);
  });
});

describe('redis-tokens health', function () {
  this.timeout(60_000);

  it('tells whether each queue has a worker', async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    const args = ['health', '--url', url, '--prefix', prefix];
    await using worker = new TokenWorker({ connection: url, prefix });
    expect(await run(args)).include({ status: 1, stdout: 'no worker: commands 0, revocations 0\n' });
    await worker.start();
    const [anywhere, here] = await Promise.all([run([...args, '--json']), run([...args, '--here'])]);
    expect(anywhere.status).equal(0);
    expect(JSON.parse(anywhere.stdout)).deep.equal({
      healthy: true,
      workers: { commands: 1, revocations: 1 },
    });
    expect(here).include({ status: 0, stdout: 'healthy: commands 1, revocations 1\n' });
  });

  it('writes nothing where there is no deployment', async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    const args = ['--url', url, '--prefix', prefix];
    const watch = start(['watch', ...args]);
    await watch.says(/connected to redis:/).finally(() => watch.kill());
    expect(await run(['health', ...args])).include({ status: 1 });
    const redis = new Redis(url);
    expect(await redis.keys(`*${prefix}*`).finally(() => redis.disconnect())).deep.equal([]);
  });

  it('refuses settings that are not those of the deployment', async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    await using worker = new TokenWorker({ connection: url, prefix, shards: 2 });
    await worker.start();
    const { status, stderr } = await run(['health', '--url', url, '--prefix', prefix]);
    expect(status).equal(2);
    expect(stderr).contain('shards is 2 in this deployment, but 1 here');
  });
});
