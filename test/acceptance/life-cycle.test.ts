// From opening to closing: no call hangs, nothing is printed or left open, and a caller's own client stays as it was.
import { createServer, type Server } from 'node:net';
import { assert } from 'chai';
import { Cluster, Redis } from 'ioredis';
import {
  ClosedError,
  RedisTokens,
  StoreUnavailableError,
  TokenError,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { rejection, until } from './deployment.js';
import { killPrograms, startProgram } from './processes.js';

const SCOPE = { app: 'shop', type: 'session' };
const TOKEN = { ...SCOPE, token: 'presented' };
const OWNER = { ...SCOPE, owner: 'ann' };
const TIMEOUT = 300;

describe('With no Redis to be reached', () => {
  /** Takes connections and never answers. */
  let silent: Server;
  let addresses: [what: string, url: string][];

  before(async () => {
    silent = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    addresses = [
      ['nothing listens', 'redis://127.0.0.1:1'],
      ['nothing answers', `redis://127.0.0.1:${port}`],
      ['the name is unknown', 'redis://no-such-host.invalid:6379'],
    ];
  });

  after(() => silent.close());

  for (const Door of [RedisTokens, TokenProducer]) {
    it(`every call of ${Door.name} rejects within its timeout`, async () => {
      for (const [what, url] of addresses) {
        const door = new Door(url, { timeout: TIMEOUT });
        const calls: Promise<unknown>[] = [
          door.ready(),
          door.create({ ...OWNER, duration: 60 }),
          door.get(TOKEN),
          door.update({ ...TOKEN, data: {} }),
          door.refresh({ ...TOKEN, duration: 60 }),
          door.delete(TOKEN),
          door.deleteAll(OWNER),
          door.list(OWNER),
        ];
        const begun = performance.now();
        for (const error of await Promise.all(calls.map((call) => rejection(call)))) {
          assert.instanceOf(error, StoreUnavailableError, what);
          assert.equal((error as StoreUnavailableError).outcome, 'none', what);
        }
        assert.isBelow(performance.now() - begun, TIMEOUT + 500, what);
        await closesSoon(door);
      }
    });
  }

  it('a worker and a subscriber do not start, and to close them ends the attempt', async () => {
    for (const [what, url] of addresses) {
      const worker = new TokenWorker({ connection: url, timeout: TIMEOUT });
      assert.instanceOf(await rejection(worker.start()), StoreUnavailableError, what);
      const attempt = rejection(worker.start());
      await closesSoon(worker);
      assert.instanceOf(await attempt, TokenError, what);

      const subscriber = new TokenSubscriber(url);
      const starting = rejection(subscriber.start());
      const begun = performance.now();
      await closesSoon(subscriber);
      assert.instanceOf(await starting, TokenError, what);
      assert.isBelow(performance.now() - begun, 1_000, `${what}: start() after close()`);
    }
  });

  async function closesSoon(door: { close(): Promise<void> }): Promise<void> {
    const begun = performance.now();
    await door.close();
    assert.isBelow(performance.now() - begun, 500, 'close');
  }
});

describe('Closing', function () {
  this.timeout(30_000);
  let url: string;

  before(async () => {
    ({ url } = await sharedRedis());
  });

  afterEach(killPrograms);

  it('may be asked for twice and at once, and refuses what comes later', async () => {
    for (const Door of [RedisTokens, TokenProducer]) {
      const door = new Door(url, { prefix: freshPrefix() });
      await door.ready();
      await Promise.all([door.close(), door.close()]);
      await door.close();
      const later: (() => Promise<unknown>)[] = [
        () => door.ready(),
        () => door.create({ ...OWNER, duration: 60 }),
        () => door.get(TOKEN),
        () => door.get({ ...SCOPE, token: 'rt_ill-formed' }),
        () => door.update({ ...TOKEN, data: {} }),
        () => door.refresh({ ...TOKEN, duration: 60 }),
        () => door.delete(TOKEN),
        () => door.deleteAll(OWNER),
        () => door.list(OWNER),
        () => door.scope(SCOPE).get({ token: 'presented' }),
      ];
      for (const call of later) assert.instanceOf(await rejection(call), ClosedError, String(call));
    }
    const prefix = freshPrefix();
    for (const one of [new TokenWorker({ connection: url, prefix }), new TokenSubscriber(url, { prefix })]) {
      await one.start();
      await Promise.all([one.close(), one.close()]);
      await one.close();
      assert.instanceOf(await rejection(one.start()), ClosedError);
    }
  });

  it('also closes what was never used', async () => {
    for (const one of [
      new RedisTokens(url),
      new TokenProducer(url),
      new TokenWorker({ connection: url }),
      new TokenSubscriber(url),
    ]) {
      await one.close();
    }
  });

  it('waits for the calls under way', async () => {
    const prefix = freshPrefix();
    const worker = new TokenWorker({ connection: url, prefix });
    await worker.start();
    for (const Door of [RedisTokens, TokenProducer]) {
      const door = new Door(url, { prefix });
      await door.ready();
      const creating = Array.from({ length: 20 }, () => door.create({ ...OWNER, duration: 60 }));
      await door.close();
      assert.lengthOf(await Promise.all(creating), 20);
    }
    await worker.close();
  });

  it('happens at the end of an `await using`', async () => {
    const prefix = freshPrefix();
    const opened: { close(): Promise<void> }[] = [];
    {
      await using worker = new TokenWorker({ connection: url, prefix });
      await using subscriber = new TokenSubscriber(url, { prefix });
      await using tokens = new RedisTokens(url, { prefix });
      await using producer = new TokenProducer(url, { prefix });
      await worker.start();
      await subscriber.start();
      const { token } = await producer.create({ ...OWNER, duration: 60 });
      assert.isDefined(await tokens.get({ ...SCOPE, token }));
      opened.push(worker, subscriber, tokens, producer);
      assert.isTrue(subscriber.connected);
    }
    const [worker, subscriber, tokens, producer] = opened as [
      TokenWorker,
      TokenSubscriber,
      RedisTokens,
      TokenProducer,
    ];
    assert.instanceOf(await rejection(worker.start()), ClosedError);
    assert.isFalse(subscriber.connected);
    assert.instanceOf(await rejection(tokens.get(TOKEN)), ClosedError);
    assert.instanceOf(await rejection(producer.get(TOKEN)), ClosedError);
  });

  it('lets the process end by itself: nothing printed, no listener needed, no handler installed', async () => {
    for (const reachable of [true, false]) {
      const program = startProgram('whole-life', {
        url: reachable ? url : 'redis://127.0.0.1:1',
        prefix: freshPrefix(),
        reachable,
      });
      await program.line('closed');
      const closed = performance.now();
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr.join('\n'));
      assert.isBelow(performance.now() - closed, 1_000, 'ms from closing to the end');
      assert.deepEqual(program.stdout, ['closed']);
      assert.deepEqual(program.stderr, []);
    }
  });
});

describe("A caller's own client", () => {
  let url: string;

  before(async () => {
    ({ url } = await sharedRedis());
  });

  /** What of a client its owner would notice. */
  const look = (client: Redis) => ({
    status: client.status,
    options: { ...client.options },
    listeners: Object.fromEntries(
      ['connect', 'ready', 'error', 'close', 'reconnecting', 'end', 'message', 'pmessage', 'wait'].map(
        (name) => [name, client.listenerCount(name)],
      ),
    ),
    maxListeners: client.getMaxListeners(),
    mode: client.mode,
  });

  it('keeps its status, options and listeners, and stays open', async () => {
    const prefix = freshPrefix();
    const client = new Redis(url, { maxRetriesPerRequest: 3, db: 0, connectionName: 'of-the-caller' });
    try {
      await client.ping();
      const before = look(client);
      const tokens = new RedisTokens(client, { prefix });
      const producer = new TokenProducer(client, { prefix });
      const worker = new TokenWorker({ connection: client, prefix });
      const subscriber = new TokenSubscriber(client, { prefix });
      await Promise.all([worker.start(), subscriber.start()]);
      const { token } = await producer.create({ ...OWNER, duration: 60 });
      assert.isDefined(await tokens.get({ ...SCOPE, token }));
      assert.isTrue(await tokens.delete({ ...SCOPE, token }));
      assert.deepEqual(look(client).options, before.options);
      assert.equal(client.mode, 'normal');
      await Promise.all([tokens.close(), producer.close(), worker.close(), subscriber.close()]);
      assert.deepEqual(look(client), before);
      assert.equal(await client.ping(), 'PONG');
      assert.equal(await client.client('GETNAME'), 'of-the-caller');
    } finally {
      await client.quit();
    }
  });

  it('is `client`, whichever it is; else that is an ordinary one, opened on first use', async () => {
    const redis = new Redis(url, { lazyConnect: true });
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
    const { hostname, port } = new URL(url);
    try {
      const own = new RedisTokens(redis);
      assert.strictEqual(own.client, redis);
      await own.close();
      assert.equal(redis.status, 'wait');
      const clustered: RedisTokens<Cluster> = new RedisTokens(cluster);
      assert.strictEqual(clustered.client, cluster);
      await clustered.close();

      for (const connection of [url, { host: hostname, port: Number(port) }]) {
        const tokens: RedisTokens = new RedisTokens(connection, { prefix: freshPrefix() });
        const { client } = tokens;
        assert.instanceOf(client, Redis);
        assert.equal(client.status, 'wait');
        assert.strictEqual(tokens.client, client);
        assert.equal(await client.ping(), 'PONG'); // without ready(), as ioredis has it
        assert.isTrue(client.options.enableOfflineQueue);
        assert.isAbove(client.listenerCount('error'), 0);
        await tokens.close();
        await until(() => client.status === 'end');
      }
      const bare = new RedisTokens();
      const { host, port: standard } = bare.client.options;
      assert.deepEqual([host, standard], ['localhost', 6379]);
      await bare.close();
    } finally {
      redis.disconnect();
      cluster.disconnect();
    }
  });

  it('is opened no more once its door is closed', async () => {
    const tokens = new RedisTokens(url, { prefix: freshPrefix() });
    await tokens.close();
    let client: Redis | undefined;
    try {
      client = tokens.client;
      assert.equal(client.status, 'end');
    } catch (error) {
      assert.instanceOf(error, ClosedError);
    } finally {
      client?.disconnect();
    }
  });
});
