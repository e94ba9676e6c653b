// A subscriber misses nothing, whatever happens to its connection, or is told that it may have.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { StoreUnavailableError } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { eventually, rejection } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { cut, Ear, type Heard, SCOPE } from './ear.js';

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('When the connection of a subscriber is lost', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const ear = new Ear(async () => server.url);

  const returned = ({ subscriber }: Heard) => eventually('it is connected again', () => subscriber.connected);

  it('it says so, and hears afterwards what happened meanwhile, each event once and in order', async () => {
    const heard = await ear.listen();
    const told: string[] = [];
    heard.subscriber.on('disconnected', () => void told.push('disconnected'));
    heard.subscriber.on('connected', () => void told.push('connected'));
    for (let round = 0; round < 3; round++) {
      await ear.create(`live${round}`);
      await cut(ear.redis, 'pubsub');
      await eventually('it knows', () => !heard.subscriber.connected);
      for (const name of names(`away${round}-`, 3)) await ear.create(name);
      await returned(heard);
      await ear.create(`back${round}`);
    }
    await heard.count(15);
    const expected = [0, 1, 2].flatMap((round) => [
      `live${round}`,
      ...names(`away${round}-`, 3),
      `back${round}`,
    ]);
    assert.deepEqual(heard.owners(), expected);
    assert.deepEqual(told, Array(3).fill(['disconnected', 'connected']).flat());
    assert.deepEqual(heard.lost, []);
  });

  it('every kind of event reaches it once, whatever it missed, in the order in which each came about', async () => {
    const heard = await ear.listen();
    const said: string[] = [];
    for (let round = 0; round < 2; round++) {
      said.push(...(await live()));
      await heard.count(said.length);
      await cut(ear.redis, 'pubsub');
      await eventually('it knows', () => !heard.subscriber.connected);
      said.push(...(await live()));
      await returned(heard);
    }
    said.push(...(await live()));
    await heard.count(said.length);
    const told = heard.events.map(({ type, data: { reason } }) => (reason ? `${type} ${reason}` : type));
    assert.deepEqual(told, said);
    const entries = await ear.redis.xrange(ear.logKey(), '-', '+');
    assert.deepEqual(
      heard.events.map(({ id }) => id),
      entries.map(([id]) => `0-${id}`),
    );
  });

  /** Tokens whose lives go through all that there is; answers what is to be told of that. */
  async function live(): Promise<string[]> {
    const { tokens } = ear;
    await ear.create('ann', { duration: 0.02 });
    await wait(40);
    await tokens.list({ ...SCOPE, owner: 'ann' });
    const first = await ear.create('ann');
    await tokens.update({ ...SCOPE, token: first.token, data: { a: 1 } });
    await tokens.refresh({ ...SCOPE, token: first.token, duration: 60 });
    await tokens.rotate({ ...SCOPE, token: first.token });
    await tokens.get(first);
    await tokens.consume(await ear.create('ann'));
    await tokens.delete(await ear.create('ann'));
    await tokens.deleteById(await ear.create('ann'));
    await ear.create('ann');
    const newest = await ear.create('ann', { limit: { max: 1, overflow: 'end-oldest' } });
    await ear.create('ann');
    await tokens.deleteAll({ ...SCOPE, owner: 'ann', except: newest.token, reason: 'password changed' });
    await tokens.deleteScope(SCOPE);
    await ear.create('ann');
    await tokens.deleteApp({ app: SCOPE.app });
    const [created, revoked] = ['token-created', 'token-revoked'];
    return [
      ...[created, 'token-expired', created, 'token-updated', 'token-refreshed', 'token-rotated'],
      ...[`${revoked} reused`, 'token-reused', created, `${revoked} consumed`, created, `${revoked} deleted`],
      ...[created, `${revoked} deleted`, created, `${revoked} limit`, created, created],
      ...[`${revoked} password changed`, `${revoked} deleted-scope`, created, `${revoked} deleted-app`],
    ];
  }

  it('all its connections at once, while events come without a pause, each is heard once', async () => {
    const tokens = ear.open({ shards: 4 });
    await tokens.ready();
    const heard = await ear.listen();
    let running = true;
    let made = 0;
    const busy = (async () => {
      while (running) {
        await Promise.all(
          names(`${made}-`, 10).map((owner) =>
            tokens.create({ ...SCOPE, owner, duration: 60 }).then(
              () => made++,
              () => {},
            ),
          ),
        );
      }
    })();
    for (let round = 0; round < 4; round++) {
      await heard.count(heard.events.length + 100);
      await cut(ear.redis, 'pubsub');
      if (round % 2 === 1) await cut(ear.redis, 'normal');
      await returned(heard);
    }
    running = false;
    await busy;
    let logged: string[] = [];
    for (let shard = 0; shard < 4; shard++) {
      const entries = await ear.redis.xrange(ear.logKey(shard), '-', '+');
      logged = logged.concat(entries.map(([id]) => `${shard}-${id}`));
    }
    await heard.count(logged.length);
    const ids = heard.events.map(({ id }) => id);
    assert.sameMembers(ids, logged);
    for (let shard = 0; shard < 4; shard++) {
      const ofShard = (all: string[]) => all.filter((id) => id.startsWith(`${shard}-`));
      assert.deepEqual(ofShard(ids), ofShard(logged), 'in the order of the shard');
    }
    assert.deepEqual(heard.lost, []);
  });

  it('the first event that it hears again does not hide those before it', async () => {
    const way = ear.opened.add(await Way.open(server.url));
    const heard = await ear.listen({}, way.url);
    await ear.create('live');
    await heard.count(1);
    let subscribed = false;
    way.onSent = (text) => {
      subscribed ||= text.includes('psubscribe');
    };
    way.holdWhere('psubscribe');
    way.cut();
    await ear.create('away');
    await eventually(
      'it has subscribed again',
      async () => Number(await ear.redis.call('PUBSUB', 'NUMPAT')) > 0 && subscribed,
    );
    await ear.create('back');
    await ear.redis.ping();
    way.release(); // the confirmation and the first event in one piece
    await returned(heard);
    await heard.count(3);
    assert.deepEqual(heard.owners(), ['live', 'away', 'back']);
  });

  it('by a server that says nothing more, it finds out, and goes on when it speaks again', async function () {
    this.timeout(30_000);
    const heard = await ear.listen();
    await ear.create('live');
    await heard.count(1);
    server.kill('SIGSTOP');
    try {
      await eventually('it knows', () => !heard.subscriber.connected, 12_000);
    } finally {
      server.kill('SIGCONT');
    }
    await ear.create('back');
    await heard.count(2);
    assert.deepEqual(heard.owners(), ['live', 'back']);
  });

  it('and all data with it, it tells, and hears again', async () => {
    const heard = await ear.listen();
    await ear.create('live');
    await heard.count(1);
    await ear.redis.flushall();
    await ear.create('back');
    await heard.count(2);
    await cut(ear.redis, 'pubsub');
    await eventually('it knows', () => !heard.subscriber.connected);
    await ear.create('later');
    await returned(heard);
    await heard.count(3);
    assert.deepEqual(heard.owners(), ['live', 'back', 'later']);
  });

  it('and all data while it is away, it tells that events may be lost', async () => {
    const heard = await ear.listen();
    await ear.create('live');
    await heard.count(1);
    const place = heard.events[0]?.id.slice(2);
    await cut(ear.redis, 'pubsub');
    await ear.redis.flushall();
    await returned(heard);
    assert.deepEqual(heard.lost, [{ shard: 0, from: place, to: '0-0' }]);
    await ear.create('back');
    await heard.count(2);
    assert.deepEqual(heard.owners(), ['live', 'back']);
  });

  it('and all data while it is away, it tells so, though it had heard nothing and the log has begun anew', async () => {
    for (const name of names('before', 3)) await ear.create(name);
    const entries = await ear.redis.xrange(ear.logKey(), '-', '+');
    const place = entries.at(-1)?.[0];
    const heard = await ear.listen();
    await cut(ear.redis, 'pubsub');
    await ear.redis.flushall();
    await ear.create('away');
    await returned(heard);
    assert.lengthOf(heard.lost, 1);
    assert.deepInclude(heard.lost[0], { shard: 0, from: place ?? 'an entry' });
    await ear.create('back');
    await heard.count(2);
    assert.deepEqual(heard.owners(), ['away', 'back']);
  });
});

describe('When the log does not reach back', () => {
  const ear = new Ear();

  it('to the cursor, it is told what was lost, and what is left is heard', async () => {
    const first = await ear.listen();
    await ear.create('a');
    await first.count(1);
    const { cursor } = first.subscriber;
    await first.subscriber.close();
    for (const name of names('b', 5)) await ear.create(name);
    await ear.redis.xtrim(ear.logKey(), 'MAXLEN', 2);
    const [[oldest] = []] = await ear.redis.xrange(ear.logKey(), '-', '+');
    const second = await ear.listen({ from: cursor });
    assert.deepEqual(second.lost, [{ shard: 0, from: cursor.slice(2), to: String(oldest) }]);
    assert.deepEqual(second.owners(), ['b3', 'b4']);
    await second.subscriber.close();
    const third = await ear.listen({ from: second.subscriber.cursor });
    assert.deepEqual(third.lost, [], 'it is told once');
  });

  it('to the cursor, and holds nothing at all, it is told', async () => {
    await ear.create('a');
    const first = await ear.listen({ from: 0 });
    const { cursor } = first.subscriber;
    await ear.create('b');
    await ear.redis.xtrim(ear.logKey(), 'MAXLEN', 0);
    const second = await ear.listen({ from: cursor });
    assert.lengthOf(second.lost, 1);
    await ear.create('c');
    await second.count(1);
    assert.deepEqual(second.owners(), ['c']);
  });

  it('to the milliseconds that it is asked from, it is told', async () => {
    for (const name of names('a', 5)) await ear.create(name);
    await ear.redis.xtrim(ear.logKey(), 'MAXLEN', 2);
    const heard = await ear.listen({ from: 0 });
    assert.lengthOf(heard.lost, 1);
    assert.deepEqual(heard.owners(), ['a3', 'a4']);
  });

  it('but nothing happened behind the cursor, nothing is told', async () => {
    await ear.create('a');
    const first = await ear.listen({ from: 0 });
    await ear.redis.xtrim(ear.logKey(), 'MAXLEN', 0);
    const second = await ear.listen({ from: first.subscriber.cursor });
    assert.deepEqual(second.lost, []);
  });

  it('and ends before the cursor, as on another server, it is told', async () => {
    await ear.create('a');
    const from = `0:${Date.now() + 1_000_000}-0`;
    const heard = await ear.listen({ from });
    assert.lengthOf(heard.lost, 1);
    assert.equal(heard.lost[0]?.from, from.slice(2));
    await ear.create('b');
    await heard.count(1);
    assert.deepEqual(heard.owners(), ['b']);
  });

  it('one that is longer than a page is read to its end, in order', async () => {
    const pipeline = ear.redis.pipeline();
    for (let i = 0; i < 1_700; i++) {
      const data = { ...SCOPE, owner: `o${i}` };
      const event = {
        specversion: '1.0',
        source: 'redis-tokens',
        type: 'token-created',
        subject: 'x',
        time: '',
        data,
      };
      pipeline.xadd(ear.logKey(), '*', 'event', JSON.stringify(event));
    }
    await pipeline.exec();
    const heard = await ear.listen({ from: 0 });
    assert.deepEqual(heard.owners(), names('o', 1_700));
  });
});

describe('A subscriber that can not reach Redis', () => {
  const ear = new Ear();

  it('rejects in time, and is started again when Redis is there', async function () {
    this.timeout(15_000);
    const server = await startRedisServer({ log: () => {} });
    const { port, url } = server;
    await server.stop();
    const heard = ear.subscriber({}, url);
    const begun = performance.now();
    const error = await rejection(heard.subscriber.start());
    assert.instanceOf(error, StoreUnavailableError);
    assert.isBelow(performance.now() - begun, 6_500);
    const back = await startRedisServer({ port, log: () => {} });
    try {
      await heard.subscriber.start();
      assert.isTrue(heard.subscriber.connected);
      ear.url = url;
      await ear.create('ann');
      await heard.count(1);
    } finally {
      await ear.opened.close();
      await back.stop();
    }
  });

  it('closed while it reads the log opens no connection again', async () => {
    for (let turn = 0; turn < 8; turn++) {
      const { subscriber } = ear.subscriber({ from: 0 });
      const started = subscriber.start().catch(() => {});
      for (let i = 0; i < turn; i++) await ear.redis.ping();
      await subscriber.close();
      await started;
    }
    // The hooks tell of a connection that is left.
    await ear.redis.ping();
  });
});
