// A connection that goes half-open, on which nothing arrives and nothing is closed, is noticed, and nothing is missed.
import { assert } from 'chai';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
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

  for (const [direction, fallSilent] of silences) {
    it(`${direction} notices within the deadline of its PING, and hears each revocation once`, async () => {
      const clients = await openClients(ear, 2);
      const crowd = await gather(clients, 40, 5);
      const way = ear.opened.add(await Way.open(server.url));
      const heard = await ear.listen({}, way.url);
      let told = false;
      heard.subscriber.on('disconnected', () => {
        told = true;
      });
      fallSilent(way);
      const begun = performance.now();
      await revoke(clients, crowd);
      assert.isTrue(heard.subscriber.connected, 'nothing was closed');
      assert.deepEqual(heard.events, [], 'nothing arrives');
      await eventually('it notices', () => told, DEADLINE);
      assert.isBelow(performance.now() - begun, DEADLINE);
      await assertHeardOnce(heard, crowd, ear.redis, [ear.logKey(0), ear.logKey(1)]);
    });
  }
});
