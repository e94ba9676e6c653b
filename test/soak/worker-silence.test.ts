// A worker whose connections go half-open, on which nothing arrives and nothing is closed, serves again by itself.
import { assert } from 'chai';
import { SCOPE, Stage } from '../queue/stage.js';
import { freshPrefix } from '../support/redis.js';
import { Way } from '../support/way.js';

const TIMEOUT = 500;

/**
 * Milliseconds: the queues are asked something every five seconds, and are to answer within 15; then the tokens within
 * the time-out; and what a busy machine adds.
 */
const DEADLINE = 20_000 + TIMEOUT + 4_000;

describe('A worker whose connections fall silent', function () {
  this.timeout(60_000);
  const stage = new Stage();

  it('notices, tells it, and serves again, and one that is idle has no false alarm', async () => {
    const idle = await idleWorker();
    const way = stage.opened.add(await Way.open(stage.url));
    const worker = await stage.startWorker({ connection: way.url, timeout: TIMEOUT });
    const errors: string[] = [];
    worker.on('error', ({ message }) => errors.push(message));
    const producer = stage.producer({ timeout: DEADLINE });
    const { token } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    way.strand();
    assert.isTrue(await producer.delete({ ...SCOPE, token }));
    assert.match(errors.join(), /Socket timeout/);
    const begun = performance.now();
    await producer.get({ ...SCOPE, token });
    assert.isBelow(performance.now() - begun, 2_000, 'on the other lane too');
    await idle.isUntouched();
  });

  /** One that waits for a job as long as BullMQ ever does: another comes later. */
  async function idleWorker() {
    const prefix = freshPrefix();
    const errors: Error[] = [];
    const worker = await stage.startWorker({ prefix });
    worker.on('error', (error) => errors.push(error));
    await stage.queue('commands', prefix).add('command', {}, { delay: 120_000 });
    const waiting = async () => {
      const name = `{${prefix}}:${Buffer.from('commands').toString('base64')}`;
      const clients = String(await stage.redis.client('LIST')).split('\n');
      return clients.filter((line) => line.includes(` name=${name} `)).map((line) => line.split(' ')[0]);
    };
    const before = await waiting();
    assert.lengthOf(before, 1);
    const isUntouched = async () => {
      assert.deepEqual(await waiting(), before);
      assert.isEmpty(errors);
    };
    return { isUntouched };
  }
});
