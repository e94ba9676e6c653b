// A lane that is as deep as it may be takes no further command; a revocation it takes always.
import { assert } from 'chai';
import { QueueFullError, type TokenProducer } from '../../src/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

const LIMIT = 5;
const INPUT = { ...SCOPE, owner: 'ann', duration: 60 };

describe('A producer with maxQueueDepth', () => {
  const stage = new Stage();

  /** Jobs of one command each. */
  const limited = (options: object = {}): TokenProducer =>
    stage.producer({ maxQueueDepth: LIMIT, batch: { max: 1 }, ...options });

  async function enqueueMany(
    producer: TokenProducer,
    count: number,
  ): Promise<PromiseSettledResult<unknown>[]> {
    return Promise.allSettled(Array.from({ length: count }, () => producer.enqueue('create', INPUT)));
  }

  const passed = (results: PromiseSettledResult<unknown>[]) =>
    results.filter(({ status }) => status === 'fulfilled').length;

  it('refuses what finds as many jobs as may wait, at once and before anything is enqueued', async () => {
    const producer = limited();
    assert.equal(passed(await enqueueMany(producer, 3)), 3);
    const results = await enqueueMany(producer, 200);
    assert.equal(passed(results), LIMIT - 3);
    assert.lengthOf(await stage.waiting('commands'), LIMIT);
    for (const operation of ['create', 'get', 'list'] as const) {
      const input = { ...INPUT, token: 'some-token' } as never;
      const error = await rejection<QueueFullError>(producer.enqueue(operation, input));
      assert.instanceOf(error, QueueFullError);
      assert.include(error, { code: 'QUEUE_FULL', lane: 'commands', depth: LIMIT, limit: LIMIT });
      assert.notInclude(JSON.stringify(error), 'some-token');
    }
    assert.instanceOf(
      await rejection(producer.create(INPUT)),
      QueueFullError,
      'whoever waits for a result, too',
    );
    const again = producer.enqueue('create', { ...INPUT, customToken: 'known' }, { commandId: 'once' });
    assert.instanceOf(await rejection(again), QueueFullError, 'and one with a commandId');
    assert.lengthOf(await stage.waiting('commands'), LIMIT);
  });

  it('never refuses a revocation', async () => {
    const producer = limited();
    await enqueueMany(producer, 20);
    await producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' });
    await producer.enqueue('delete', { ...SCOPE, token: 'known' }, { commandId: 'once' });
    await Promise.all(
      Array.from({ length: 20 }, () => producer.enqueue('deleteById', { ...SCOPE, id: 'A'.repeat(22) })),
    );
    assert.isAbove((await stage.waiting('revocations')).length, LIMIT);
  });

  it('takes commands again once there is room', async () => {
    const producer = limited();
    await enqueueMany(producer, 20);
    await stage.startWorker();
    const { token } = await eventually('there is room', () => producer.create(INPUT).catch(() => undefined));
    assert.isObject(await producer.get({ ...SCOPE, token }));
  });

  it('counts jobs that are paused, delayed or prioritised by whoever enqueued them', async () => {
    const queue = stage.queue('commands');
    const data = { v: 1, replyTo: null, commands: [] };
    await queue.pause();
    await queue.add('command', data, { jobId: 'j-paused' });
    await queue.add('command', data, { jobId: 'j-delayed', delay: 60_000 });
    await queue.add('command', data, { jobId: 'j-prioritised', priority: 3 });
    const results = await enqueueMany(limited(), 20);
    assert.equal(passed(results), LIMIT - 3);
  });

  it('counts the jobs of all partitions together', async () => {
    const producer = limited({ partitions: 4 });
    assert.equal(passed(await enqueueMany(producer, 50)), LIMIT);
    assert.equal(passed(await enqueueMany(producer, 50)), 0);
    const other = limited({ partitions: 4 });
    assert.equal(passed(await enqueueMany(other, 50)), 0, 'by whomever they were enqueued');
  });

  it('lets a command ride in a job that was begun', async () => {
    const producer = limited({ maxQueueDepth: 1, batch: { max: 100 } });
    assert.equal(passed(await enqueueMany(producer, 250)), 100);
    assert.lengthOf(await stage.waiting('commands'), 1);
    const other = limited({ maxQueueDepth: 3, batch: { max: 100 } });
    const large = { ...INPUT, data: { text: 'x'.repeat(60_000) } };
    await Promise.allSettled(Array.from({ length: 200 }, () => other.enqueue('create', large)));
    assert.lengthOf(await stage.waiting('commands'), 3, 'where it has room for it');
  });

  it('goes no further past the limit than each of several producers by what it may enqueue', async () => {
    const producers = Array.from({ length: 4 }, () => limited());
    for (let round = 0; round < 5; round++)
      await Promise.all(producers.map((producer) => enqueueMany(producer, 50)));
    const depth = (await stage.waiting('commands')).length;
    assert.isAtLeast(depth, LIMIT);
    assert.isAtMost(depth, producers.length * LIMIT);
  });

  it('asks Redis now and then, and not for each command', async () => {
    const producer = limited({ maxQueueDepth: 1_000 });
    await producer.ready();
    let asked = 0;
    const monitor = await stage.client().monitor();
    stage.opened.later(monitor, () => monitor.disconnect());
    monitor.on('monitor', (_time: string, [command = '', key = '']: string[]) => {
      if (/^zcard$/i.test(command) && key === `{${stage.prefix}}:commands:delayed`) asked++;
    });
    const begun = performance.now();
    for (let i = 0; i < 200; i++) await producer.enqueue('create', INPUT);
    const rounds = Math.ceil((performance.now() - begun) / 250) + 1;
    await eventually('it was heard that it asked', () => asked > 0);
    assert.isAtMost(asked, rounds);
  });

  it('is refused a depth that can not be one', () => {
    for (const maxQueueDepth of [0, -1, 1.5, Number.NaN, 'many' as never])
      assert.throws(() => stage.producer({ maxQueueDepth }), /maxQueueDepth/);
  });
});
