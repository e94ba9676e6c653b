// Another Redis takes over that has not all that the last one had: subscribers are told, and hear all that comes then.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear, type Heard } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { type Crowd, gather, revocations, revoke } from './subscriber-crowd.js';

describe('When a replica that lagged takes over', function () {
  this.timeout(30_000);
  const ear = new Ear(async () => primary.url);
  let primary: RedisServer;
  let replica: RedisServer;
  let way: Way;
  let promoted: Redis;
  let heard: Heard;
  /** Revoked on the primary alone. */
  let lost: Crowd;
  /** Revoked once the replica has taken over. */
  let later: Crowd;
  let behind: RedisTokens;

  before(async () => {
    [primary, replica] = await Promise.all([
      startRedisServer({ args: ['--repl-diskless-sync-delay', '0'], log: () => {} }),
      startRedisServer({ log: () => {} }),
    ]);
  });
  after(() => Promise.all([primary.stop(), replica.stop()]));

  /** All that happens before the take-over: the subscriber has heard more than the replica has. */
  beforeEach(async () => {
    promoted = ear.opened.later(new Redis(replica.url, { maxRetriesPerRequest: null }), () =>
      promoted.disconnect(),
    );
    await promoted.replicaof('127.0.0.1', primary.port);
    way = ear.opened.add(await Way.open(primary.url));
    heard = await ear.listen({}, way.url);
    lost = await gather([ear.tokens], 4, 5, 'lost');
    later = await gather([ear.tokens], 6, 5, 'later');
    await ear.redis.wait(1, 5_000);
    await eventually('the replica has all of it', async () => {
      const length = await promoted.xlen(ear.logKey());
      return length > 0 && length === (await ear.redis.xlen(ear.logKey()));
    });
    await promoted.replicaof('NO', 'ONE');
    await revoke([ear.tokens], lost);
    await eventually(
      'the subscriber has heard all of it',
      () => revocations(heard).length === lost.ids.length,
    );
    heard.events.length = 0;
    way.leadTo(replica.url);
    behind = ear.opened.add(new RedisTokens(replica.url, { prefix: ear.prefix }));
  });

  const place = async (redis: Redis) =>
    String((await redis.xrevrange(ear.logKey(), '+', '-', 'COUNT', 1))[0]?.[0]);

  const isBack = () => eventually('it is back', () => heard.subscriber.connected);

  async function assertHeardLater(): Promise<void> {
    await eventually('what comes later is heard', () => revocations(heard).length >= later.ids.length);
    assert.deepEqual(
      revocations(heard)
        .map(({ subject }) => subject)
        .sort(),
      [...later.ids].sort(),
    );
  }

  it('its log ends before the cursor: events-lost is told, and each later revocation is heard once', async () => {
    const [from, to] = [await place(ear.redis), await place(promoted)];
    assert.notEqual(from, to);
    way.cut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await isBack();
    assert.deepEqual(heard.lost, [{ shard: 0, from, to }]);
    await revoke([behind], later);
    await assertHeardLater();
    assert.lengthOf(heard.lost, 1);
  });

  it('and its log has gone on meanwhile: events-lost is told, and each later revocation is heard once', async () => {
    const from = await place(ear.redis);
    way.shut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await revoke([behind], { ...later, owners: later.owners.slice(0, 3) });
    way.reopen();
    await isBack();
    assert.lengthOf(heard.lost, 1);
    assert.deepInclude(heard.lost[0], { shard: 0, from });
    await revoke([behind], { ...later, owners: later.owners.slice(3) });
    await assertHeardLater();
    assert.lengthOf(heard.lost, 1);
  });

  it('and its clock is behind: events are heard although their ids were heard before, of other events', async () => {
    way.cut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await isBack();
    assert.lengthOf(heard.lost, 1);
    const before = await ear.redis.xrange(ear.logKey(), `(${heard.lost[0]?.to}`, '+');
    assert.lengthOf(before, lost.ids.length);
    // What a script does there while its clock tells the times that the other server's told before.
    const write = async ([id]: (typeof before)[0], index: number) => {
      const event = eventOf(`later-${index}`);
      await promoted.xadd(ear.logKey(), id, 'event', JSON.stringify(event));
      const channel = `${ear.prefix}:events:token-revoked:shop:session`;
      await promoted.publish(channel, JSON.stringify({ ...event, id: `0-${id}` }));
    };
    const half = before.length / 2;
    for (let i = 0; i < half; i++) await write(before[i] as (typeof before)[0], i);
    await eventually('messages are heard', () => revocations(heard).length === half);
    way.shut();
    await eventually('it knows again', () => !heard.subscriber.connected);
    for (let i = half; i < before.length; i++) await write(before[i] as (typeof before)[0], i);
    way.reopen();
    await eventually('the log is heard', () => revocations(heard).length === before.length);
    const subjects = revocations(heard).map(({ subject }) => subject);
    assert.sameMembers(
      subjects,
      before.map((_, index) => `later-${index}`),
    );
  });

  const eventOf = (subject: string) => ({
    specversion: '1.0',
    source: 'redis-tokens',
    type: 'token-revoked',
    subject,
    time: new Date(0).toISOString(),
    data: { app: 'shop', type: 'session', owner: 'ann', reason: 'deleted' },
  });
});
