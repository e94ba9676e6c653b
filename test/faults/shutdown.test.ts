// A worker that is asked to stop finishes what runs, and what it does not finish another worker runs soon.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { MemoryTokenRepository } from '../../src/memory/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Child, start } from '../cli/command.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';

/** Milliseconds within which another worker has taken over: far less than the lease of a job, which is 30 seconds. */
const SOON = 8_000;
const COMMANDS = 3_000;

describe('Shutting down', function () {
  this.timeout(120_000);
  const stage = new Stage();
  const children: Child[] = [];
  const servers: RedisServer[] = [];

  afterEach(async () => {
    for (const server of servers) server.kill('SIGCONT');
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await stage.opened.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function ownServer(): Promise<RedisServer> {
    const server = await startRedisServer({ log: () => {} });
    servers.push(server);
    stage.url = server.url;
    return server;
  }

  async function startProcess(...args: string[]): Promise<Child> {
    const child = start(['worker', '--url', stage.url, '--prefix', stage.prefix, ...args]);
    children.push(child);
    await child.says(/ready/);
    return child;
  }

  /** Enqueues creates in jobs of their own; each leaves one token. */
  async function flood(): Promise<void> {
    const producer = stage.producer();
    const creates = Array.from({ length: COMMANDS }, (_, i) =>
      producer.enqueue(
        'create',
        { ...SCOPE, owner: `owner-${i}`, duration: 600, customToken: `code-${i}` },
        { commandId: `c${i}` },
      ),
    );
    await Promise.all(creates);
    await producer.close();
  }

  it('finishes what runs, and leaves the rest to another worker, which has all of it soon', async () => {
    await ownServer();
    const results = await stage.listen();
    const [first, second] = [await startProcess(), await startProcess()];
    const flooding = flood();
    await eventually('they are at work', () => results.length > 100);
    first.process.kill('SIGTERM');
    assert.deepInclude(await first.ended, { status: 0, stderr: '' });
    await flooding;
    await eventually('all is done', () => results.length >= COMMANDS, SOON);
    second.process.kill('SIGTERM');
    assert.deepInclude(await second.ended, { status: 0, stderr: '' });
    assert.lengthOf(results, COMMANDS, 'one result for each');
    for (const [, { results: ofJob }] of results) assert.equal(ofJob[0]?.status, 'completed');
    assert.lengthOf(await stage.redis.keys(`{${stage.prefix}:0}:t:*`), COMMANDS);
    assert.equal(await stage.redis.llen(`{${stage.prefix}}:commands:active`), 0);
  });

  it('takes over what both lanes of a worker did not finish in time, though it hangs', async () => {
    const repository = new MemoryTokenRepository();
    let begun = 0;
    const hang = () => {
      begun++;
      return new Promise<never>(() => {});
    };
    repository.create = hang;
    repository.deleteAll = hang;
    const worker = await stage.startWorker({ repository, closeTimeout: 200 });
    const producer = stage.producer({ timeout: 40_000 });
    const create = producer.create({ ...SCOPE, owner: 'bob', duration: 60 });
    const deleteAll = producer.deleteAll({ ...SCOPE, owner: 'ann' });
    await eventually('they run', () => begun === 2);
    await worker.close();
    await stage.startWorker();
    const done = Promise.all([create, deleteAll]);
    const outcome = await Promise.race([done, wait(SOON, 'late', { ref: false })]);
    assert.notEqual(outcome, 'late');
    const [token, ended] = await done;
    assert.deepEqual([token.owner, ended], ['bob', 0]);
  });

  it('gives back a job that was on its way to it when it was closed', async () => {
    const way = stage.opened.add(await Way.open(stage.url));
    const worker = await stage.startWorker({ connection: way.url, closeTimeout: 1 });
    const producer = stage.producer();
    await producer.deleteAll({ ...SCOPE, owner: 'ann' }); // it serves, and waits for the next
    const active = `{${stage.prefix}}:revocations:active`;
    await eventually('it is idle', async () => (await stage.redis.llen(active)) === 0);
    way.delay = 100; // what it fetches is handed to it when it waits for it no longer
    const { jobId } = await producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' });
    await eventually('it has fetched it', async () => (await stage.redis.llen(active)) > 0);
    await worker.close();
    assert.equal(await stage.queue('revocations').getJobState(jobId), 'waiting');
  });

  it('ends with closeTimeout where Redis hangs, and another worker goes on when it is back', async () => {
    const server = await ownServer();
    const worker = await startProcess('--close-timeout', '300', '--timeout', '30000');
    const flooding = flood();
    await eventually('it is at work', () => stage.redis.llen(`{${stage.prefix}}:commands:active`));
    server.kill('SIGSTOP');
    worker.process.kill('SIGTERM');
    await worker.ended;
    assert.match(worker.stdout, /SIGTERM: finishing/);
    server.kill('SIGCONT');
    await flooding;
    const results = await stage.listen();
    await startProcess();
    await eventually('the other goes on', () => results.length > 100, SOON);
  });

  it('ends by itself where Redis is gone', async () => {
    const server = await ownServer();
    const idle = [await startProcess(), await startProcess()];
    server.kill('SIGKILL');
    await server.exited;
    idle[0]?.process.kill('SIGTERM');
    await idle[1]?.says(/redis-tokens: /); // it has seen that Redis is gone
    idle[1]?.process.kill('SIGTERM');
    for (const child of idle) {
      const { status, stdout } = await child.ended;
      assert.match(stdout, /the worker has ended/);
      assert.equal(status, 0, child.stderr);
    }
  });

  it('ends at once at a second signal, whatever is under way', async () => {
    const server = await ownServer();
    const worker = await startProcess('--close-timeout', '60000', '--timeout', '60000');
    const flooding = flood();
    await eventually('it is at work', () => stage.redis.llen(`{${stage.prefix}}:commands:active`));
    server.kill('SIGSTOP');
    worker.process.kill('SIGTERM');
    await worker.says(/SIGTERM: finishing/);
    await wait(600); // two within half a second are one press of Ctrl-C
    worker.process.kill('SIGTERM');
    assert.equal((await worker.ended).status, 143);
    server.kill('SIGCONT');
    await flooding;
  });

  it('leaves no connection', async () => {
    const server = await ownServer();
    const observer = new Redis(server.url);
    stage.opened.later(observer, () => observer.disconnect());
    const connections = async () =>
      String(await observer.client('LIST'))
        .trim()
        .split('\n').length;
    const worker = await startProcess();
    assert.isAbove(await connections(), 3);
    worker.process.kill('SIGTERM');
    await eventually('they are gone', async () => (await connections()) === 1);
    assert.deepInclude(await worker.ended, { status: 0, stderr: '' });
  });
});
