// What a worker tells over HTTP, and what its log is like where a machine reads it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { TokenProducer } from '../../src/index.js';
import { WorkerMetrics } from '../../src/service/metrics.js';
import { Overview } from '../../src/service/overview.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Child, runProcess as run, start } from '../cli/command.js';
import { eventually } from '../support/eventually.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

describe('the worker over HTTP', function () {
  this.timeout(60_000);
  const children: Child[] = [];
  const servers: RedisServer[] = [];

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  function startWorker(env: Record<string, string>): Child {
    const child = start(['worker'], { env: { REDIS_TOKENS_LOG: 'json', ...env } });
    children.push(child);
    return child;
  }

  /** Lines of its log. */
  const linesOf = (worker: Child): Record<string, unknown>[] =>
    worker.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  async function urlOf(worker: Child): Promise<string> {
    await worker.says(/"event":"http"/);
    return linesOf(worker).find(({ event }) => event === 'http')?.url as string;
  }

  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

  /** The samples of a scrape, by their series. */
  async function scrape(url: string): Promise<Map<string, number>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.replace(/ [^ ]+$/, ''), Number(line.replace(/^.* /, ''))]));
  }

  it('is live at once, ready when it serves, and not any more when it drains', async () => {
    const server = await startRedisServer({ log: () => {} });
    const { port } = server;
    await server.stop();
    const env = { REDIS_URL: server.url, REDIS_TOKENS_HTTP_PORT: '0', REDIS_TOKENS_TIMEOUT: '300' };
    const worker = startWorker(env);
    const url = await urlOf(worker);
    expect(await statusOf(`${url}/livez`)).equal(200);
    expect(await statusOf(`${url}/readyz`)).equal(503);
    expect((await scrape(url)).get('redis_tokens_redis_up')).equal(0);

    servers.push(await startRedisServer({ log: () => {}, port }));
    await worker.says(/"event":"ready"/);
    expect(await (await fetch(`${url}/readyz`)).json()).deep.equal({ status: 'ready' });

    servers[0]?.kill('SIGSTOP'); // it hangs, and so does what drains
    expect(await statusOf(`${url}/readyz`)).equal(503);
    const metrics = await scrape(url);
    expect(metrics.get('redis_tokens_redis_up')).equal(0);
    expect([...metrics.keys()]).not.include(
      'redis_tokens_events_total',
      'a counter that fell to 0 would have begun anew',
    );
    worker.process.kill('SIGTERM');
    await worker.says(/"event":"draining"/);
    const draining = await fetch(`${url}/readyz`);
    expect(draining.status).equal(503);
    expect(await draining.json()).deep.equal({ status: 'not ready', problem: 'the worker is draining' });
    expect(await statusOf(`${url}/livez`)).equal(200);
    servers[0]?.kill('SIGCONT');
    expect(await worker.ended).include({ status: 0 });
  });

  it('counts what came of commands, and tells how queues and tokens stand', async () => {
    const { url: redis } = await sharedRedis();
    const prefix = freshPrefix();
    const env = { REDIS_URL: redis, REDIS_TOKENS_PREFIX: prefix, REDIS_TOKENS_HTTP_PORT: '0' };
    const worker = startWorker(env);
    const url = await urlOf(worker);
    await worker.says(/"event":"ready"/);
    const producer = new TokenProducer(redis, { prefix });
    try {
      const made = await Promise.all([1, 2, 3].map(() => producer.create({ ...ANN, duration: 60 })));
      const limited = { ...ANN, duration: 60, limit: { max: 1 } };
      await producer.create(limited).catch(() => {});
      await producer.delete({ app: 'shop', type: 'session', token: made[0]?.token as string });
      await producer.create({ ...ANN, type: 'a "quoted" \\ one', duration: 60 });
      const queue = new Queue('commands', { connection: { url: redis }, prefix: `{${prefix}}` });
      const command = { commandId: 'c1', op: 'x'.repeat(40), issuedAt: Date.now() * 1_000 };
      await queue.add('command', { v: 1, replyTo: null, commands: [command] }, { jobId: 'j-1' });
      await queue.close();
      const metrics = await eventually(
        'it is counted',
        async () => {
          const now = await scrape(url);
          const isThere = now.get('redis_tokens_live_tokens{app="shop",type="session"}') === 2;
          return isThere && [...now.keys()].some((series) => series.includes('VALIDATION')) && now;
        },
        15_000,
      );
      const commands = (lane: string, operation: string, outcome: string) =>
        metrics.get(
          `redis_tokens_commands_total{lane="${lane}",operation="${operation}",outcome="${outcome}"}`,
        );
      expect(commands('commands', 'create', 'completed')).equal(4);
      expect(commands('commands', 'create', 'LIMIT_EXCEEDED')).equal(1);
      expect(commands('revocations', 'delete', 'completed')).equal(1);
      expect(commands('commands', 'unknown', 'VALIDATION'), 'whatever name it was given').equal(1);
      expect(metrics.get('redis_tokens_command_age_seconds_count{lane="commands",operation="create"}')).equal(
        5,
      );
      expect(metrics.get('redis_tokens_job_run_seconds_count{lane="revocations"}')).equal(1);
      expect(metrics.get('redis_tokens_redis_up')).equal(1);
      expect(metrics.get('redis_tokens_events_total')).equal(5);
      expect(metrics.get('redis_tokens_live_tokens{app="shop",type="a \\"quoted\\" \\\\ one"}')).equal(1);
      expect(metrics.get('redis_tokens_queue_workers{lane="commands"}')).equal(1);
      expect(metrics.get('redis_tokens_queue_jobs{lane="commands",state="failed"}')).equal(0);
      const all = [...metrics.keys()].join('\n') + worker.stdout;
      for (const { token, id } of made) expect(all).not.contain(token).not.contain(id);
    } finally {
      await producer.close();
    }
  });

  it('logs a JSON object a line, also of what somebody else has named', async () => {
    const { url: redis } = await sharedRedis();
    const prefix = freshPrefix();
    const env = { REDIS_URL: redis.replace('//', '//:@'), REDIS_TOKENS_PREFIX: prefix };
    const worker = startWorker(env);
    await worker.says(/"event":"ready"/);
    worker.process.kill('SIGTERM');
    expect(await worker.ended).include({ status: 0, stderr: '' });
    const lines = linesOf(worker);
    const events = lines.map(({ event }) => event).filter((event) => event !== 'redis-settings');
    expect(events).deep.equal(['ready', 'draining', 'ended']);
    for (const line of lines) expect(line).include.keys('level', 'time', 'pid', 'event', 'msg');
  });

  it('does without where another worker of this machine has the port, unless it was told which', async () => {
    const { url: redis } = await sharedRedis();
    const first = startWorker({
      REDIS_URL: redis,
      REDIS_TOKENS_PREFIX: freshPrefix(),
      REDIS_TOKENS_HTTP_PORT: '0',
    });
    const port = new URL(await urlOf(first)).port;
    const env = { REDIS_URL: redis, REDIS_TOKENS_PREFIX: freshPrefix() };
    const told = await run(['worker', '--http-port', port], { env });
    expect(told).include({ status: 2, stdout: '' });
    expect(told.stderr).match(
      /^redis-tokens: httpPort: 127\.0\.0\.1:\d+ can not be used: .*EADDRINUSE.* \(given by --http-port\)\n$/,
    );
    const refused = await run(['worker', '--http-port', '70000'], { env });
    expect(refused.stderr).equal(
      'redis-tokens: option "httpPort" must be a port from 0 to 65535, or off (given by --http-port)\n',
    );
  });
});

describe('the Grafana dashboard', () => {
  const root = join(import.meta.dirname, '../..');
  const named = (text: string): Set<string> =>
    new Set([...text.matchAll(/\bredis_tokens_\w+?(?=(?:_bucket|_sum|_count)?\b)/g)].map(([name]) => name));

  it('shows every metric that there is, and no other; so does the documentation', async () => {
    const overview = new Overview((await sharedRedis()).url, { prefix: freshPrefix() });
    const text = await new WorkerMetrics(overview).text();
    await overview.close();
    const told = new Set(
      [...text.matchAll(/^# TYPE (redis_tokens_\w+)/gm)].map(([, name]) => name as string),
    );
    const dashboard = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8');
    const table = readFileSync(join(root, 'docs/observability.md'), 'utf8');
    expect([...named(dashboard)]).have.members([...told]);
    expect([...named(table)]).have.members([...told]);
  });
});
