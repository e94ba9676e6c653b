// A subscriber that was away longer than the log reaches back is told which shard it may have missed, and goes on.
import { assert } from 'chai';
import { START } from '../../src/events/shard-cursor.js';
import type { RedisTokens } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear, type Heard } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { gather, openClients, revocations, revoke } from './subscriber-crowd.js';

const SHARDS = 4;
const TRIMMED = 2;

describe('A subscriber that was away longer than the log', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const ear = new Ear(async () => server.url);
  let way: Way;
  let clients: RedisTokens[];
  beforeEach(async () => {
    way = ear.opened.add(await Way.open(server.url));
    clients = await openClients(ear, SHARDS, 2);
  });

  const away = async ({ subscriber }: Heard) => {
    way.shut();
    await eventually('it knows', () => !subscriber.connected);
  };
  const back = async ({ subscriber }: Heard) => {
    way.reopen();
    await eventually('it is back', () => subscriber.connected);
  };
  const ids = async (shard: number) =>
    (await ear.redis.xrange(ear.logKey(shard), '-', '+')).map(([id]) => String(id));
  const heardOf = ({ events }: Heard, shard: number) =>
    events.filter(({ id }) => id.startsWith(`${shard}-`)).map(({ id }) => id.slice(2));

  it('of one shard is told of that one, with where it stood and where it goes on, and hears all else', async () => {
    const before = await gather(clients, 40, 2);
    const heard = await ear.listen({}, way.url);
    await revoke(clients, { ...before, owners: before.owners.slice(0, 20) });
    const stood = (await ids(TRIMMED)).at(-1);
    await eventually('all is heard', () => revocations(heard).length === 40);
    heard.events.length = 0;
    const logged = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => ids(shard)));

    await away(heard);
    await revoke(clients, { ...before, owners: before.owners.slice(20) });
    await ear.redis.xtrim(ear.logKey(TRIMMED), 'MAXLEN', 3);
    await back(heard);

    const left = await ids(TRIMMED);
    assert.deepEqual(heard.lost, [{ shard: TRIMMED, from: stood, to: left[0] }]);
    for (let shard = 0; shard < SHARDS; shard++) {
      const expected =
        shard === TRIMMED ? left : (await ids(shard)).slice((logged[shard] as string[]).length);
      assert.deepEqual(heardOf(heard, shard), expected, `shard ${shard}`);
    }

    heard.events.length = 0;
    const later = await gather(clients, 40, 1);
    await revoke(clients, later);
    await eventually('what comes later is heard', () => revocations(heard).length >= 40);
    assert.sameMembers(
      revocations(heard).map(({ subject }) => subject),
      later.ids,
    );
    assert.lengthOf(heard.lost, 1, 'told once');
  });

  it('of all shards, of which nothing is left, is told of each', async () => {
    const crowd = await gather(clients, 40, 2);
    const heard = await ear.listen({}, way.url);
    await away(heard);
    await revoke(clients, crowd);
    for (let shard = 0; shard < SHARDS; shard++) await ear.redis.xtrim(ear.logKey(shard), 'MAXLEN', 0);
    await back(heard);
    assert.deepEqual(
      heard.lost.map(({ shard }) => shard).sort(),
      Array.from({ length: SHARDS }, (_, shard) => shard),
    );
    const later = await gather(clients, 40, 1);
    await revoke(clients, later);
    await eventually('what comes later is heard', () => revocations(heard).length >= 40);
    assert.sameMembers(
      revocations(heard).map(({ subject }) => subject),
      later.ids,
    );
  });

  it('goes on although the listeners that are told fail, which is told as an error', async () => {
    const crowd = await gather(clients, 40, 2);
    const heard = await ear.listen({}, way.url);
    const { subscriber } = heard;
    const now = new Error('now');
    const later = new Error('later');
    for (const name of ['events-lost', 'connected', 'disconnected'] as const) {
      subscriber.on(name, () => Promise.reject(later));
      subscriber.on(name, () => {
        throw now;
      });
    }
    await away(heard);
    await revoke(clients, crowd);
    for (let shard = 0; shard < SHARDS; shard++) await ear.redis.xtrim(ear.logKey(shard), 'MAXLEN', 1);
    await back(heard);
    assert.lengthOf(heard.lost, SHARDS, 'told once each');
    await eventually(
      'each failure is told',
      () => heard.errors.filter((error) => error === now || error === later).length === 2 * (SHARDS + 2),
    );
    await clients[0]?.create({ app: 'shop', type: 'session', owner: 'later', duration: 60 });
    await eventually('it goes on', () => heard.owners().includes('later'));
  });

  it('keeps its cursor before the loss until what is told of it has been done', async () => {
    const crowd = await gather(clients, 40, 2);
    const heard = await ear.listen({}, way.url);
    let done = () => {};
    const closing = new Promise<void>((resolve) => {
      done = resolve;
    });
    heard.subscriber.on('events-lost', () => closing);
    await away(heard);
    await revoke(clients, crowd);
    await ear.redis.xtrim(ear.logKey(TRIMMED), 'MAXLEN', 1);
    await back(heard);
    assert.lengthOf(heard.lost, 1);
    const killedMeanwhile = await ear.listen({ from: heard.subscriber.cursor });
    assert.deepEqual(killedMeanwhile.lost, heard.lost, 'whoever goes on from there is told, too');
    done();
    await eventually('it moves on', async () => {
      const [last] = (await ids(TRIMMED)).slice(-1);
      return heard.subscriber.cursor.includes(`${TRIMMED}:${last ?? START}`);
    });
    const next = await ear.listen({ from: heard.subscriber.cursor });
    assert.deepEqual(next.lost, []);
    assert.deepEqual(next.events, []);
  });
});
