// The worker as a process of its own: how it begins, serves, and ends.
import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { TokenProducer } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Child, runProcess as run, start } from '../cli/command.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };
const quiet = { log: () => {} };

describe('the worker process', function () {
  this.timeout(60_000); // several processes at a time, on whatever machine
  const children: Child[] = [];
  const servers: RedisServer[] = [];

  afterEach(async () => {
    for (const server of servers) server.kill('SIGCONT');
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  function startWorker(args: string[], env: Record<string, string> = {}): Child {
    const child = start(['worker', ...args], { env });
    children.push(child);
    return child;
  }

  async function ownServer(port?: number): Promise<RedisServer> {
    const server = await startRedisServer(port === undefined ? quiet : { ...quiet, port });
    servers.push(server);
    return server;
  }

  it('says that it is ready, serves, and at SIGTERM finishes the job under way', async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    const worker = startWorker(['--concurrency', '1'], { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix });
    await worker.says(/ready/);
    expect(worker.stdout).contain(`ready on ${url} `).contain(`npx redis-tokens --prefix ${prefix} list`);

    const redis = new Redis(url);
    const producer = new TokenProducer(url, { prefix });
    try {
      const { token } = await producer.create({ ...ANN, duration: 60 });
      expect(token).match(/^rt_/);
      const data = { filler: 'x'.repeat(8_000) };
      const flood = Array.from({ length: 4_000 }, () =>
        producer.enqueue('create', { ...ANN, data, duration: 60 }),
      );
      const active = () => redis.llen(`{${prefix}}:commands:active`);
      while ((await active()) === 0) await wait(1);
      worker.process.kill('SIGTERM');
      const { status, stderr } = await worker.ended;
      expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
      await Promise.all(flood);
      expect(await redis.llen(`{${prefix}}:commands:wait`), 'left for the next worker').above(0);
      expect(await active(), 'begun and not finished').equal(0);
      expect(worker.stdout).not.contain(token);
    } finally {
      await producer.close();
      redis.disconnect();
    }
  });

  it('takes two signals of one Ctrl-C for one, and a later one for the end', async () => {
    const server = await ownServer();
    const [patient, insisted] = [startWorker(['--url', server.url]), startWorker(['--url', server.url])];
    await Promise.all([patient.says(/ready/), insisted.says(/ready/)]);
    server.kill('SIGSTOP'); // so that draining lasts
    for (const { process } of [patient, insisted]) process.kill('SIGINT');
    patient.process.kill('SIGTERM'); // of another name, so that the system can not make one of the two
    await Promise.all([patient.says(/: finishing/), insisted.says(/SIGINT: finishing/)]);
    await wait(700); // the window within which signals count as one
    expect(patient.isRunning && insisted.isRunning).equal(true);
    insisted.process.kill('SIGTERM');
    expect((await insisted.ended).status).equal(143);
    server.kill('SIGCONT');
    expect(await patient.ended).include({ status: 0, stderr: '' });
  });

  it('advises on how Redis is set up', async () => {
    const { url } = await sharedRedis();
    const worker = startWorker(['--url', url]);
    await worker.says(/^advice: 127\.0\.0\.1:\d+: there is no append-only file: /m);
  });

  it('waits for a Redis that is not there yet, and ends at once where it is told to', async () => {
    const { port, url, stop } = await ownServer();
    await stop();
    const [worker, given] = [
      startWorker(['--url', url, '--timeout', '200']),
      startWorker(['--url', url, '--timeout', '200']),
    ];
    await Promise.all([worker.says(/still trying redis:/), given.says(/still trying redis:/)]);
    expect(worker.stderr.split('\n')[0]).match(
      /^redis-tokens: Redis can not be reached: connect ECONNREFUSED .*still trying/,
    );
    given.process.kill('SIGTERM');
    expect((await given.ended).status).equal(0);
    await ownServer(port);
    await worker.says(/ready/);
    worker.process.kill('SIGTERM');
    expect((await worker.ended).status).equal(0);
  });

  it('tells once that memory is full, in words, and escapes what a terminal would obey', async () => {
    const server = await ownServer();
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    const queue = new Queue('commands', { connection: redis, prefix: '{rt}' });
    try {
      const worker = startWorker(['--url', server.url]);
      await worker.says(/ready/);
      await queue.add('poison', {}, { jobId: 'x\u001b[31m' });
      await worker.says(/failed for good/);
      await redis.config('SET', 'maxmemory', '1');
      await worker.says(/memory is full/);
      await wait(7_000); // another sweep, at the least
      expect(worker.stderr)
        .contain('job x\\u001b[31m on commands failed')
        .match(/^[^\n]+\nredis-tokens: Redis' memory is full: jobs wait until there is memory\n$/)
        .not.contain('\u001b');
    } finally {
      await queue.close();
      redis.disconnect();
    }
  });

  it('tells that Redis has gone, and that it is back', async () => {
    const server = await ownServer();
    const worker = startWorker(['--url', server.url, '--timeout', '300']);
    await worker.says(/ready/);
    await server.stop();
    await worker.says(/ECONNREFUSED/);
    await ownServer(server.port);
    await worker.says(/Redis can be reached again\n/);
  });

  it('ends with status 2 and one line for a setting that can not work', async () => {
    const { url } = await sharedRedis();
    const wrong = [
      { REDIS_URL: 'http://localhost' },
      { REDIS_TOKENS_SHARDS: 'three' },
      { REDIS_TOKENS_CONCURRENCY: '0' },
      { REDIS_TOKENS_CLOSE_TIMEOUT: '-1' },
      { NODE_CONFIG_DIR: '/nowhere/config' },
    ];
    const ends = await Promise.all(
      wrong.map((env) => run(['worker'], { env: { REDIS_URL: url, ...env } as Record<string, string> })),
    );
    for (const [i, { status, stdout, stderr }] of ends.entries()) {
      expect({ status, stdout }).deep.equal({ status: 2, stdout: '' });
      expect(stderr).match(new RegExp(`^redis-tokens: .*${Object.keys(wrong[i] ?? {})[0]}.*\n$`));
    }
  });
});
