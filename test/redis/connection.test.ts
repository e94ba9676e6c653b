// What can not work as a connection is refused with a reason, and not taken for localhost.
import { type AddressInfo, createServer } from 'node:net';
import { assert } from 'chai';
import { Redis, ReplyError } from 'ioredis';
import {
  ConfigError,
  RedisTokens,
  StoreUnavailableError,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { toStoreError } from '../../src/redis/failure.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { sharedRedis } from '../support/redis.js';

describe('As a connection', () => {
  const opened = new Opened();

  for (const [what, connection] of [
    ['a database that is no number', 'redis://localhost:6379/abc'],
    ['a URL object', new URL('redis://localhost:6379')],
    ['options of the worker', { connection: 'redis://localhost:6379' }],
    ['options of the subscriber', { app: 'shop' }],
    ['another protocol', 'http://localhost:6379'],
  ] as const) {
    it(`${what} is refused by every class`, () => {
      for (const make of [
        () => new RedisTokens(connection as string),
        () => new TokenProducer(connection as string),
        () => new TokenSubscriber(connection as string),
        () => new TokenWorker({ connection: connection as string }),
      ]) {
        assert.throws(make, ConfigError, /^connection: /);
      }
    });
  }

  for (const [name, use] of [
    ['RedisTokens', (url: string) => opened.add(new RedisTokens(url)).ready()],
    ['TokenProducer', (url: string) => opened.add(new TokenProducer(url)).ready()],
    ['TokenSubscriber', (url: string) => opened.add(new TokenSubscriber(url)).start()],
    ['TokenWorker', (connection: string) => opened.add(new TokenWorker({ connection })).start()],
  ] as const) {
    it(`a database that Redis has not is refused by a ${name} when Redis is asked`, async () => {
      const error = await rejection(use(`${(await sharedRedis()).url}/99`));
      assert.instanceOf(error, ConfigError);
      assert.match(error.message, /no database 99/);
    });
  }

  it('one without the password is refused at once', async () => {
    const server = await startRedisServer({ args: ['--requirepass', 'secret'], log: () => {} });
    try {
      for (const url of [server.url, server.url.replace('redis://', 'redis://:wrong@')]) {
        const tokens = opened.add(new RedisTokens(url));
        const begun = Date.now();
        assert.instanceOf(await rejection(tokens.ready()), ConfigError);
        assert.isBelow(Date.now() - begun, 2_000);
        await tokens.close();
      }
    } finally {
      await server.stop();
    }
  });

  it('a server that lets nobody in can not be reached, whatever reason it gives', async () => {
    let reason = '';
    const doorman = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        for (const _ of data.toString().match(/^\*\d/gm) ?? []) socket.write(`-${reason}\r\n`);
      });
    });
    await new Promise<void>((resolve) => doorman.listen(0, '127.0.0.1', resolve));
    opened.later(doorman, () => new Promise((resolve) => doorman.close(resolve)));
    const url = `redis://127.0.0.1:${(doorman.address() as AddressInfo).port}`;
    for (reason of ['DENIED Redis is running in protected mode', 'ERR max number of clients reached']) {
      const tokens = opened.add(new RedisTokens(url, { timeout: 1_000 }));
      for (const call of [
        () => tokens.ready(),
        () => tokens.deleteAll({ app: 'a', type: 't', owner: 'ann' }),
      ]) {
        const error = await rejection<StoreUnavailableError>(call());
        assert.instanceOf(error, StoreUnavailableError);
        assert.equal(error.outcome, 'none');
        assert.include(error.message, reason);
      }
      await tokens.close();
    }
    const client = new Redis(url, { protocol: 2 });
    opened.later(client, () => client.disconnect());
    client.on('error', () => {});
    const tokens = opened.add(new RedisTokens(client, { timeout: 1_000 }));
    const error = await rejection(tokens.get({ app: 'a', type: 't', token: 'x' }));
    assert.instanceOf(error, StoreUnavailableError, 'on a caller’s own client');
    assert.include(error.message, reason);
  });

  it('a server of another kind than its URL says is told what kind it may be', async () => {
    const cluster = await startRedisServer({ args: ['--cluster-enabled', 'yes'], log: () => {} });
    opened.later(cluster, () => cluster.stop());
    const kinds: [url: string, told: RegExp][] = [
      [(await sharedRedis()).url.replace('redis:', 'redis-cluster:'), /cluster support disabled/],
      [cluster.url, /CLUSTERDOWN/],
    ];
    for (const [url, told] of kinds) {
      const tokens = opened.add(new RedisTokens(url, { timeout: 1_000 }));
      assert.match((await rejection(tokens.ready())).message, told);
    }
    const answers: [answer: string, hint: string][] = [
      ['MOVED 4136 127.0.0.1:7105', 'redis-cluster://'],
      ["ERR unknown command 'type', with args beginning with: '{rt}:meta'", 'redis-sentinel://'],
    ];
    for (const [answer, hint] of answers)
      assert.include(toStoreError(new ReplyError(answer), 'none', true).message, hint);
  });
});
