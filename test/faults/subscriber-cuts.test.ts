// A subscriber whose connections are ended over and over hears each revocation once, in the order of its shard.
import { EventEmitter, once } from 'node:events';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear, type Heard } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { assertHeardOnce, gather, openClients, revocations, revoke } from './subscriber-crowd.js';

const SHARDS = 4;

/** Milliseconds between two cuts. */
const INTERVAL = 50;

describe('A subscriber whose connections are ended every 50 ms while 5,000 tokens are revoked', function () {
  this.timeout(60_000);
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const ear = new Ear(async () => server.url);

  /** Revokes 5,000 tokens in step with the cuts, so that every one of these falls among revocations. */
  async function revokeUnder(cut: () => Promise<unknown> | unknown, heard: Heard): Promise<void> {
    const clients = await openClients(ear, SHARDS);
    const crowd = await gather(clients, 500, 10);
    await eventually('it listens', () => heard.subscriber.connected);
    let disconnections = 0;
    heard.subscriber.on('disconnected', () => void disconnections++);
    const cuts = new EventEmitter();
    let count = 0;
    const timer = setInterval(async () => {
      await cut();
      count++;
      cuts.emit('cut');
    }, INTERVAL);
    try {
      let owners = 0;
      await revoke(clients, crowd, () => ++owners % 3 === 0 && once(cuts, 'cut'));
    } finally {
      clearInterval(timer);
    }
    assert.isAtLeast(count, 20, 'cuts while tokens were revoked');
    assert.isAtLeast(disconnections, 1, 'it was heard on what was cut');
    await assertHeardOnce(heard, crowd, ear.redis, logKeys(ear));
  }

  it('by what lies between it and Redis, hears each once and in order', async () => {
    const way = ear.opened.add(await Way.open(server.url));
    const heard = await ear.listen({}, way.url);
    await revokeUnder(() => way.cut(), heard);
  });

  it('by CLIENT KILL, hears each once and in order', async () => {
    const { hostname, port } = new URL(server.url);
    const connection = { host: hostname, port: Number(port), connectionName: `${ear.prefix}-subscriber` };
    const heard = await ear.listen({}, connection);
    await revokeUnder(() => killByName(ear.redis, connection.connectionName), heard);
  });
});

describe('A subscriber whose connections are ended between two events, again and again', function () {
  this.timeout(60_000);
  const ear = new Ear();

  it('loses none and repeats none by their ids, of which messages alone lose some', async () => {
    const way = ear.opened.add(await Way.open(ear.url));
    const witness = await ear.listen();
    const heard = await ear.listen({}, way.url);
    const messages = await listenToMessages(way.url);
    const clients = await openClients(ear, SHARDS);
    const crowd = await gather(clients, 100, 10);

    let cuts = 0;
    heard.subscriber.on('token-revoked', () => {
      if (revocations(heard).length % 20 > 0) return;
      way.cut();
      cuts++;
    });
    const isBack = () => eventually('it is back', () => heard.subscriber.connected);
    await revoke(clients, crowd, isBack);
    await assertHeardOnce(heard, crowd, ear.redis, logKeys(ear));

    assert.equal(cuts, 50);
    await eventually('the witness has heard all', () => revocations(witness).length === crowd.ids.length);
    const told = revocations(witness);
    const ids = new Set(revocations(heard).map(({ id }) => id));
    assert.equal(told.length - ids.size, 0, 'losses');
    assert.equal(revocations(heard).length - ids.size, 0, 'duplicates');
    assert.isBelow(new Set(messages).size, told.length, 'messages alone');

    // The same events entirely, with the same ids, whether they came live or were read, now or again.
    const again = await ear.listen({ from: 0 });
    const byId = new Map(told.map((event) => [event.id, event]));
    for (const event of [...revocations(heard), ...revocations(again)]) {
      assert.deepEqual(event, byId.get(event.id));
    }
    assert.lengthOf(revocations(again), told.length);
  });

  /** Ids of the revocations that messages tell of to whoever subscribes again after each cut, but reads no log. */
  async function listenToMessages(url: string): Promise<string[]> {
    const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 10 });
    ear.opened.later(client, () => client.disconnect());
    client.on('error', () => {});
    const ids: string[] = [];
    client.on('pmessage', (_pattern, _channel, text: string) => ids.push(JSON.parse(text).id));
    await client.psubscribe(`${ear.prefix}:events:token-revoked:*`);
    return ids;
  }
});

const logKeys = (ear: Ear) => Array.from({ length: SHARDS }, (_, shard) => ear.logKey(shard));

async function killByName(redis: Redis, name: string): Promise<void> {
  const list = String(await redis.client('LIST'));
  for (const line of list.split('\n')) {
    const id = /^id=(\d+) /.exec(line)?.[1];
    if (id !== undefined && line.includes(` name=${name} `)) await redis.call('CLIENT', 'KILL', 'ID', id);
  }
}
