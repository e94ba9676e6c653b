// More happens than the log of a shard holds: whoever was away is told, and whoever listens to a quiet app is not.
import { assert } from 'chai';
import type { RedisTokens } from '../../src/index.js';
import { Ear, type Heard } from '../events/ear.js';
import { gather, openClients, revocations, revoke } from '../faults/subscriber-crowd.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';

const LOG_LENGTH = 100_000;
const OWNERS = 500;
const EACH = 120;

describe('A log that has turned over', function () {
  this.timeout(300_000);
  const ear = new Ear();
  let way: Way;
  let clients: RedisTokens[];
  beforeEach(async () => {
    way = ear.opened.add(await Way.open(ear.url));
    clients = await openClients(ear, 1);
  });

  const lastId = async () => String((await ear.redis.xrevrange(ear.logKey(), '+', '-', 'COUNT', 1))[0]?.[0]);
  const isAtEnd = async ({ subscriber }: Heard) => subscriber.cursor === `0:${await lastId()}`;

  it('while a subscriber was away makes it tell of the loss, and hear what is left and what comes then', async () => {
    const crowd = await gather(clients, OWNERS, EACH);
    const heard = await ear.listen({}, way.url);
    const from = await lastId();
    way.shut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await revoke(clients, crowd); // of which some can not be known of any more
    await gather(clients, OWNERS, EACH, 'next');
    const length = await ear.redis.xlen(ear.logKey());
    assert.isBelow(length, 2 * OWNERS * EACH);
    assert.isAtLeast(length, LOG_LENGTH);
    way.reopen();
    await eventually('it is back', () => heard.subscriber.connected, 60_000);

    const left = await ear.redis.xrange(ear.logKey(), '-', '+');
    assert.deepEqual(heard.lost, [{ shard: 0, from, to: String(left[0]?.[0]) }]);
    assert.deepEqual(
      heard.events.map(({ id }) => id),
      left.map(([id]) => `0-${id}`),
    );
    heard.events.length = 0;
    const later = await gather(clients, 50, 10, 'later');
    await revoke(clients, later);
    await eventually('what comes later is heard', () => revocations(heard).length >= later.ids.length);
    assert.sameMembers(
      revocations(heard).map(({ subject }) => subject),
      later.ids,
    );
    assert.lengthOf(heard.lost, 1);
  });

  it('twice with events of others is no loss to a subscriber of a quiet app, whose cursor moves along', async () => {
    const heard = await ear.listen({ app: 'quiet' }, way.url);
    await ear.create('ann', { app: 'quiet', duration: 600 });
    await heard.count(1);
    const first = heard.subscriber.cursor;
    for (let round = 0; round < 4; round++) {
      const crowd = await gather(clients, OWNERS, 50, `round-${round}`);
      await revoke(clients, crowd);
      await eventually('its cursor is at the end', () => isAtEnd(heard), 20_000);
    }
    assert.isEmpty(await ear.redis.xrange(ear.logKey(), first.slice(2), first.slice(2)));
    way.cut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await ear.create('bob', { app: 'quiet', duration: 600 });
    await heard.count(2);
    assert.deepEqual(heard.owners(), ['ann', 'bob']);
    assert.deepEqual(heard.lost, []);
  });
});
