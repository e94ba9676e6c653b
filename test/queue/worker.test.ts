// The life of workers and producers: what they open, how they end, and what they take as a connection.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import {
  ConfigError,
  StoreUnavailableError,
  TokenProducer,
  type TokenRepository,
  TokenWorker,
} from '../../src/index.js';
import { MemoryTokenRepository } from '../../src/memory/index.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { leakedConnections, openConnections } from '../support/connection-leaks.js';
import { eventually, rejection } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

/** A repository whose reads wait until they are let go. */
function slowRepository() {
  const repository: TokenRepository = new MemoryTokenRepository();
  let begun = 0;
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  repository.get = async () => {
    begun++;
    await released;
    return undefined;
  };
  return { repository, release, begun: () => begun };
}

const NOWHERE = 'redis://127.0.0.1:1';

describe('A worker', () => {
  const stage = new Stage();

  it('started and closed twenty times leaves no connection', async () => {
    await stage.redis.ping();
    const known = await openConnections();
    for (let i = 0; i < 20; i++) {
      const worker = new TokenWorker({ connection: stage.url, prefix: stage.prefix });
      await worker.start();
      await worker.close();
    }
    assert.deepEqual([...(await leakedConnections(known)).values()], []);
    const producer = stage.producer();
    await stage.startWorker();
    assert.isUndefined(await producer.get({ ...SCOPE, token: 'x' }));
  });

  it('closed before, while and right after it starts ends all that it opened', async () => {
    await stage.redis.ping();
    const known = await openConnections();
    const never = new TokenWorker({ connection: stage.url, prefix: stage.prefix });
    await never.close();
    for (let turn = 0; turn < 10; turn++) {
      const worker = new TokenWorker({ connection: stage.url, prefix: stage.prefix });
      const started = worker.start().catch((error: unknown) => error);
      for (let i = 0; i < turn; i++) await stage.redis.ping();
      await worker.close();
      await started;
    }
    assert.deepEqual([...(await leakedConnections(known)).values()], []);
  });

  it('started twice serves each lane once', async () => {
    await stage.redis.ping();
    const worker = stage.worker();
    await Promise.all([worker.start(), worker.start()]);
    await worker.start();
    const waiting = (await stage.redis.client('LIST')) as string;
    const blocked = waiting
      .split('\n')
      .filter((line) => line.includes(stage.prefix) && / cmd=bzpopmin/.test(line));
    const workers = await stage.queue('commands').getWorkersCount();
    assert.equal(workers, 1, blocked.join('\n'));
  });

  it('closed waits for the job under way, which is answered', async () => {
    const { repository, release, begun } = slowRepository();
    const worker = await stage.startWorker({ repository });
    const call = stage.producer().get({ ...SCOPE, token: 'x' });
    await eventually('it runs', () => begun() === 1);
    let closed = false;
    const closing = worker.close().then(() => {
      closed = true;
    });
    await stage.redis.ping();
    assert.isFalse(closed);
    release();
    await closing;
    assert.isUndefined(await call);
  });

  it('closed takes no further job', async () => {
    const worker = await stage.startWorker();
    await worker.close();
    await stage.producer().enqueue('get', { ...SCOPE, token: 'x' });
    assert.lengthOf(await stage.waiting('commands'), 1);
    await worker.close();
    assert.equal((await rejection(worker.start())).code, 'CLOSED');
  });

  it('closed waits no longer than closeTimeout, and leaves no connection then either', async () => {
    await stage.redis.ping();
    const producer = stage.producer();
    await producer.ready();
    const { repository, release, begun } = slowRepository();
    const known = await openConnections();
    const worker = new TokenWorker({
      connection: stage.url,
      prefix: stage.prefix,
      repository,
      closeTimeout: 150,
    });
    await worker.start();
    const { jobId } = await producer.enqueue('get', { ...SCOPE, token: 'x' });
    await eventually('it runs', () => begun() === 1);
    const from = performance.now();
    await worker.close();
    assert.approximately(performance.now() - from, 300, 250);
    assert.deepEqual([...(await leakedConnections(known)).values()], []);
    release();
    assert.equal(await stage.queue('commands').getJobState(jobId), 'waiting', 'another worker takes it');
  });

  it('does not close a repository that it was given', async () => {
    const repository = stage.repository();
    const worker = await stage.startWorker({ repository });
    await worker.close();
    await repository.ready();
    assert.isTrue(repository.isReady);
  });

  it('that can not reach Redis rejects within the time-out, and can be started again', async () => {
    const worker = new TokenWorker({ connection: NOWHERE, prefix: stage.prefix, timeout: 200 });
    stage.opened.add(worker);
    const from = performance.now();
    for (let i = 0; i < 2; i++) {
      const error = await rejection<StoreUnavailableError>(worker.start());
      assert.instanceOf(error, StoreUnavailableError);
      assert.equal(error.outcome, 'none');
    }
    assert.isBelow(performance.now() - from, 1_500);
  });

  it('started again once Redis is there serves its lanes', async () => {
    const server = await startRedisServer({ log: () => {} });
    const { port } = server;
    await server.stop();
    const connection = `redis://127.0.0.1:${port}`;
    const worker = stage.worker({ connection, timeout: 100 });
    await rejection(worker.start());
    const back = await startRedisServer({ port, log: () => {} });
    try {
      await eventually('it is started', () =>
        worker.start().then(
          () => true,
          () => false,
        ),
      );
      assert.isUndefined(await stage.producer({}, connection).get({ ...SCOPE, token: 'x' }));
    } finally {
      await stage.opened.close();
      await back.stop();
    }
  });

  it('goes on after its connections were cut, and needs no listener of errors', async () => {
    const server = await startRedisServer({ log: () => {} });
    try {
      const producer = stage.producer({}, server.url);
      const worker = stage.worker({ connection: server.url });
      await worker.start();
      assert.isUndefined(await producer.get({ ...SCOPE, token: 'x' }));
      const client = new Redis(server.url);
      stage.opened.later(client, () => client.disconnect());
      for (let i = 0; i < 3; i++) {
        await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        const receipt = await producer.enqueue('get', { ...SCOPE, token: 'x' });
        assert.isUndefined(await producer.result(receipt));
        assert.isFalse(await producer.delete({ ...SCOPE, token: 'x' }));
      }
    } finally {
      await stage.opened.close();
      await server.stop();
    }
  });
});

describe('A connection', () => {
  const stage = new Stage();

  it('may be a URL, options, or a client of the caller’s own', async () => {
    const { hostname, port } = new URL(stage.url);
    const options = { host: hostname, port: Number(port) };
    const client = stage.client();
    for (const connection of [stage.url, options, client]) {
      const worker = stage.worker({ connection });
      await worker.start();
      const producer = stage.producer({}, connection);
      const { token } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
      assert.equal((await producer.get({ ...SCOPE, token }))?.owner, 'ann');
      await producer.close();
      await worker.close();
    }
    assert.deepEqual(options, { host: hostname, port: Number(port) }, 'options are not changed');
  });

  it('that is the caller’s client stays as it is: its status, settings, listeners and subscriptions', async () => {
    for (const lazyConnect of [true, false]) {
      const client = stage.client({
        lazyConnect,
        maxRetriesPerRequest: 3,
        commandTimeout: 1_234,
        connectionName: 'mine',
      });
      if (!lazyConnect) await client.ping();
      const status = client.status;
      const settings = { ...client.options };
      const listeners = client.eventNames().map((name) => [name, client.listenerCount(name)]);
      const worker = new TokenWorker({
        connection: client,
        prefix: stage.prefix,
        repository: stage.repository(),
      });
      await worker.start();
      const producer = new TokenProducer(client, { prefix: stage.prefix });
      assert.isUndefined(await producer.get({ ...SCOPE, token: 'x' }));
      assert.equal(client.status, status);
      await producer.close();
      await worker.close();
      assert.equal(client.status, status);
      assert.deepEqual(client.options, settings);
      assert.deepEqual(
        client.eventNames().map((name) => [name, client.listenerCount(name)]),
        listeners,
      );
      if (!lazyConnect) assert.equal(await client.ping(), 'PONG');
    }
  });

  it('with options that can not work is refused when it is made', () => {
    const { url, prefix } = stage;
    const prefixed = stage.client({ keyPrefix: 'app:', lazyConnect: true });
    const wrong: [what: string, make: () => unknown, hint: RegExp][] = [
      ['an unknown option', () => new TokenProducer(url, { prefx: 'x' } as never), /prefx/],
      ['an option of the worker', () => new TokenProducer(url, { concurrency: 1 } as never), /concurrency/],
      ['an unknown option', () => new TokenWorker({ connection: url, conurrency: 1 } as never), /conurrency/],
      ['a wrong value', () => new TokenProducer(url, { timeout: 0 }), /timeout/],
      ['a wrong value', () => new TokenWorker({ connection: url, concurrency: 0 }), /concurrency/],
      ['a wrong value', () => new TokenWorker({ connection: url, closeTimeout: 1.5 }), /closeTimeout/],
      ['a wrong prefix', () => new TokenWorker({ connection: url, prefix: 'a:b' }), /prefix/],
      ['ours among theirs', () => new TokenProducer({ host: 'localhost', prefix } as never), /prefix/],
      ['ours among theirs', () => new TokenWorker({ connection: { shards: 4 } as never }), /shards/],
      ['keyPrefix', () => new TokenProducer({ keyPrefix: 'x:' }), /keyPrefix/],
      ['keyPrefix', () => new TokenProducer(prefixed), /keyPrefix/],
      ['keyPrefix', () => new TokenWorker({ connection: prefixed }), /keyPrefix/],
      ['reads from replicas', () => new TokenProducer({ scaleReads: 'slave' } as never), /scaleReads/],
      ['no URL', () => new TokenProducer('localhost:6379'), /URL/],
      ['another URL', () => new TokenWorker({ connection: 'http://localhost' }), /URL/],
      ['no connection', () => new TokenProducer(6379 as never), /connection/],
      ['no connection', () => new TokenProducer(null as never), /connection/],
    ];
    for (const [what, make, hint] of wrong) {
      try {
        make();
        assert.fail(`${what} was taken`);
      } catch (error) {
        assert.instanceOf(error, ConfigError, what);
        assert.match((error as Error).message, hint, what);
      }
    }
  });

  it('to where no Redis is makes a producer reject within its time-out', async () => {
    const producer = stage.producer({ timeout: 150 }, NOWHERE);
    for (const call of [
      () => producer.get({ ...SCOPE, token: 'x' }),
      () => producer.enqueue('delete', { ...SCOPE, token: 'x' }),
      () => producer.enqueue('get', { ...SCOPE, token: 'x' }, { commandId: 'x' }),
      () => producer.ready(),
    ]) {
      const from = performance.now();
      const error = await rejection<StoreUnavailableError>(call());
      assert.instanceOf(error, StoreUnavailableError);
      assert.equal(error.outcome, 'none');
      assert.isBelow(performance.now() - from, 600);
    }
  });

  it('to a deployment of other settings is refused by its first call', async () => {
    await stage.producer({ shards: 4 }).ready();
    for (const options of [{ shards: 2 }, { shards: 4, maxCommandAge: 1_000 }]) {
      const producer = stage.producer(options);
      assert.instanceOf(await rejection(producer.ready()), ConfigError);
      assert.instanceOf(await rejection(producer.get({ ...SCOPE, token: 'x' })), ConfigError);
      assert.instanceOf(await rejection(stage.worker(options).start()), ConfigError);
    }
  });
});
