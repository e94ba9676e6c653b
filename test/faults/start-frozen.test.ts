// Redis freezes while a worker starts: starting fails in its time, closing ends, and so does the process.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { ClosedError, StoreUnavailableError, type TokenWorkerOptions } from '../../src/index.js';
import { MemoryTokenRepository } from '../../src/memory/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { start } from '../cli/command.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually, rejection } from '../support/eventually.js';
import { Way } from '../support/way.js';

/** Milliseconds that a busy machine adds, and Redis has to say goodbye. */
const SLACK = 2_500;

/** What a worker sends last before Redis freezes, in the order in which it sends them. */
const POINTS = {
  'its queues are opened': ':commands:meta',
  'its sweep is planned': ':maintenance:',
  'its lanes begin to be served': Buffer.from('commands').toString('base64'), // the name of a connection that waits for jobs
};

describe('Redis that freezes while a worker starts', function () {
  this.timeout(30_000);
  const stage = new Stage();
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());

  /** Resolves when Redis is frozen: by what a worker on this way sends. */
  async function freezing(text: string): Promise<{ way: Way; frozen: Promise<void> }> {
    const way = stage.opened.add(await Way.open(server.url));
    stage.opened.later(server, () => server.kill('SIGCONT'));
    const frozen = new Promise<void>((resolve) => {
      way.onSent = (sent) => {
        if (!sent.includes(text)) return;
        way.onSent = () => {};
        server.kill('SIGSTOP');
        resolve();
      };
    });
    return { way, frozen };
  }

  const worker = (way: Way, options: TokenWorkerOptions) =>
    stage.worker({ connection: way.url, closeTimeout: 100, ...options });

  const took = async (work: Promise<unknown>) => {
    const begun = performance.now();
    await work;
    return performance.now() - begun;
  };

  for (const [when, text] of Object.entries(POINTS)) {
    it(`when ${when}, makes start reject in its time, and serve when it is called again`, async () => {
      const { way, frozen } = await freezing(text);
      const one = worker(way, { timeout: 400 });
      const failed = rejection(one.start());
      await frozen;
      assert.isBelow(await took(failed), 400 + SLACK);
      assert.instanceOf(await failed, StoreUnavailableError);
      server.kill('SIGCONT');
      await eventually('it is started', () =>
        one.start().then(
          () => true,
          () => false,
        ),
      );
      assert.equal(await stage.producer({}, server.url).deleteAll({ ...SCOPE, owner: 'ann' }), 0);
    });

    it(`when ${when}, lets close end what has begun`, async () => {
      const { way, frozen } = await freezing(text);
      const one = worker(way, { timeout: 20_000 });
      const failed = rejection(one.start());
      await frozen;
      assert.isBelow(await took(one.close()), 100 + SLACK);
      assert.instanceOf(await failed, ClosedError);
    });
  }

  it('and never wakes lets close end what could not start', async () => {
    const { way, frozen } = await freezing(POINTS['its queues are opened']);
    const one = worker(way, { timeout: 200 });
    const failed = rejection(one.start());
    await frozen;
    await failed;
    assert.isBelow(await took(one.close()), 100 + SLACK);
  });

  it('and holds the queues alone makes start reject in its time', async () => {
    const way = stage.opened.add(await Way.open(server.url));
    way.holdWhere('');
    const one = worker(way, { timeout: 200, repository: new MemoryTokenRepository() });
    const failed = rejection(one.start());
    assert.isBelow(await took(failed), 200 + SLACK);
    assert.instanceOf(await failed, StoreUnavailableError);
    assert.isBelow(await took(one.close()), 100 + SLACK);
  });

  it('ends as a process when it is asked to', async () => {
    const { way, frozen } = await freezing(POINTS['its sweep is planned']);
    const args = ['--url', way.url, '--prefix', stage.prefix, '--close-timeout', '100', '--timeout', '20000'];
    const child = start(['worker', ...args]);
    stage.opened.later(child, () => child.kill());
    await frozen;
    child.process.kill('SIGTERM');
    const isLate = await Promise.race([child.ended, wait(5_000, true, { ref: false })]);
    assert.notEqual(isLate, true, child.stdout + child.stderr);
    assert.match(child.stdout, /the worker has ended/);
  });
});
