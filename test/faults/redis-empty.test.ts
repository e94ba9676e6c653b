// A server that has lost everything: tokens are gone, the deployment is set up again, and everybody goes on.
import { assert } from 'chai';
import { ConfigError, RedisTokens, TokenProducer, TokenWorker } from '../../src/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { audit } from './redis-audit.js';
import { admit } from './redis-patient.js';

const SCOPE = { app: 'shop', type: 'session' };
const NOTHING_KEPT = ['--save', '', '--appendonly', 'no'];

describe('A server that has lost everything', function () {
  this.timeout(60_000);
  const opened = new Opened();

  for (const [how, startsAgain] of [
    ['when it was killed', true],
    ['by FLUSHALL', false],
  ] as const) {
    it(`${how} knows no token any more, and takes new ones at both doors`, async () => {
      const patient = await admit(opened, NOTHING_KEPT);
      const { url } = patient.server;
      const prefix = freshPrefix();
      const worker = opened.add(new TokenWorker({ connection: url, prefix }));
      const errors: Error[] = [];
      worker.on('error', (error) => void errors.push(error));
      await worker.start();
      const tokens = opened.add(new RedisTokens(url, { prefix }));
      const producer = opened.add(new TokenProducer(url, { prefix }));
      const create = (owner: string) => ({ ...SCOPE, owner, duration: 3_600 });
      const lost = await tokens.create(create('ann'));
      await producer.create(create('bob'));

      if (startsAgain) {
        patient.server.kill('SIGKILL');
        await patient.server.exited;
        await patient.restart();
      } else {
        await patient.nurse.flushall();
      }

      const secret = { ...SCOPE, token: lost.token };
      for (const door of [tokens, producer]) {
        assert.isUndefined(await door.get(secret));
        assert.isUndefined(await door.update({ ...secret, data: { n: 1 } }));
        assert.isUndefined(await door.refresh({ ...secret, duration: 60 }));
        assert.isFalse(await door.delete(secret));
        assert.equal(await door.deleteAll({ ...SCOPE, owner: 'ann' }), 0);
        assert.deepEqual(await door.list({ ...SCOPE, owner: 'ann' }), []);
        const { token } = await door.create(create('cleo'));
        assert.equal((await door.get({ ...SCOPE, token }))?.owner, 'cleo');
        await door.ready();
      }
      const { live } = await audit(patient.nurse, prefix);
      assert.equal(live.size, 2);
    });
  }

  it('is set up again by the next that connects, and then holds the others to it', async () => {
    const patient = await admit(opened, NOTHING_KEPT);
    const { url } = patient.server;
    const prefix = freshPrefix();
    const meta = () => patient.nurse.hgetall(`{${prefix}}:meta`);
    const tokens = opened.add(new RedisTokens(url, { prefix, shards: 2 }));
    await tokens.ready();
    const before = await meta();
    await patient.restart();
    await eventually('it is set up again', async () => {
      await tokens.ready();
      return (await meta()).shards === before.shards;
    });
    assert.deepEqual(await meta(), before);
    const other = opened.add(new RedisTokens(url, { prefix, shards: 4 }));
    assert.instanceOf(await rejection(other.ready()), ConfigError);
  });
});
