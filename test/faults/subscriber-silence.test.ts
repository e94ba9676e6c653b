// A connection that goes half-open, on which nothing arrives and nothing is closed, is noticed, and nothing is missed.
import { assert } from 'chai';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear } from '../events/ear.js';
import { Way } from '../support/way.js';
import { assertHeardOnce, gather, openClients, revoke } from './subscriber-crowd.js';

/** Milliseconds: a PING comes every five seconds and is to be answered within five; and what a busy machine adds. */
const DEADLINE = 10_000 + 2_000;

describe('A subscriber whose connections fall silent', function () {
  this.timeout(60_000);
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const ear = new Ear(async () => server.url);

  const silences = [
    ['both ways', (way: Way) => way.strand()],
    ['from the server alone', (way: Way) => way.deafen()],
  ] as const;

  it('notices within the deadline of its PING, and hears each revocation once', async () => {
    const clients = await openClients(ear, 2);
    const crowd = await gather(clients, 40, 5);
    const silent = await Promise.all(
      silences.map(async ([direction, fallSilent]) => {
        const way = ear.opened.add(await Way.open(server.url));
        const heard = await ear.listen({}, way.url);
        const told = new Promise<void>((resolve) => heard.subscriber.once('disconnected', resolve));
        return { direction, heard, told, fallSilent: () => fallSilent(way) };
      }),
    );
    for (const { fallSilent } of silent) fallSilent();
    const begun = performance.now();
    await revoke(clients, crowd);
    for (const { direction, heard } of silent) {
      assert.isTrue(heard.subscriber.connected, `nothing was closed (${direction})`);
      assert.deepEqual(heard.events, [], `nothing arrives (${direction})`);
    }
    await Promise.all(silent.map(({ told }) => told));
    assert.isBelow(performance.now() - begun, DEADLINE);
    for (const { heard } of silent) {
      await assertHeardOnce(heard, crowd, ear.redis, [ear.logKey(0), ear.logKey(1)]);
    }
  });
});
