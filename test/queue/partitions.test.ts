// Commands that are spread over several queues of each lane: as one queue to whoever sends them and looks after them.
import { Queue } from 'bullmq';
import { assert } from 'chai';
import { CommandConflictError, ConfigError, RedisTokens, StoreUnavailableError } from '../../src/index.js';
import { DeadLetters } from '../../src/queue/dead-letters.js';
import { QueueControl } from '../../src/queue/queue-control.js';
import { StandingQueues } from '../../src/queue/standing-queues.js';
import { eventually, rejection } from '../support/eventually.js';
import { replaced, SCOPE, Stage, stamp } from './stage.js';

const PARTITIONS = 3;
const OPTIONS = { partitions: PARTITIONS };

describe('Commands on several partitions', () => {
  const stage = new Stage();

  const tags = () => ['', ':q1', ':q2'].map((part) => `{${stage.prefix}${part}}`);
  const queue = (tag: string) => {
    const opened = new Queue('commands', { connection: stage.redis, prefix: tag });
    return stage.opened.add(opened);
  };
  const create = (commandId: string, id: string) => ({
    ...{ commandId, op: 'create', issuedAt: stamp(), ...SCOPE },
    ...{ id, owner: 'ann', data: {}, duration: 60 },
  });
  const enqueueMany = async (count: number) => {
    const producer = stage.producer({ ...OPTIONS, batch: { max: 1 } });
    const input = { ...SCOPE, owner: 'ann', duration: 60 };
    return Promise.all(Array.from({ length: count }, () => producer.enqueue('create', input)));
  };

  it('lie in all of them, and are answered to whoever has a receipt', async () => {
    const receipts = await enqueueMany(60);
    for (const tag of tags()) assert.isAbove(await queue(tag).getWaitingCount(), 5, tag);
    await stage.startWorker(OPTIONS);
    const other = stage.producer(OPTIONS);
    const results = await Promise.all(receipts.map((receipt) => other.result({ ...receipt })));
    assert.deepEqual(
      results.map((record) => record?.id),
      receipts.map(({ id }) => id),
    );
    assert.equal(await other.count({ ...SCOPE, owner: 'ann' }), 60);
    assert.equal(await other.deleteAll({ ...SCOPE, owner: 'ann' }), 60);
  });

  it('of one commandId are one, whoever enqueues it', async () => {
    const producers = Array.from({ length: 4 }, () => stage.producer(OPTIONS));
    const input = { ...SCOPE, owner: 'ann', duration: 60, customToken: 'a secret of my own' };
    const ids = Array.from({ length: 12 }, (_, i) => `order-${i}`);
    for (const commandId of ids)
      await Promise.all(
        producers.map((producer) =>
          producer.enqueue('create', { ...input, owner: commandId }, { commandId }),
        ),
      );
    const waiting = await Promise.all(tags().map((tag) => queue(tag).getWaitingCount()));
    assert.equal(
      waiting.reduce((sum, count) => sum + count, 0),
      ids.length,
    );
    const conflict = rejection(
      stage.producer(OPTIONS).enqueue('create', { ...input, owner: 'bob' }, { commandId: 'order-1' }),
    );
    assert.instanceOf(await conflict, CommandConflictError);
  });

  it('are taken from wherever a foreign producer has put them', async () => {
    await stage.startWorker(OPTIONS);
    const issuedAt = stamp(); // by it the jobs can not be told apart, either
    for (const [i, tag] of tags().entries()) {
      const id = String(i).repeat(22);
      const data = { v: 1, replyTo: null, commands: [{ ...create('same', id), issuedAt }] };
      const job = await queue(tag).add('command', data, { jobId: 'of-the-same-id' });
      await eventually(`${tag} is served`, () => job.isCompleted());
      assert.isNotNull(await stage.redis.get(`{${stage.prefix}:0}:t:${id}`));
    }
  });

  it('that were given up are found, run again and dropped wherever they are', async () => {
    let isAiling = true;
    const real = stage.repository(OPTIONS);
    const repository = replaced(real, {
      create: (command, attempt) =>
        isAiling ? Promise.reject(new StoreUnavailableError('gone', 'none')) : real.create(command, attempt),
    });
    await stage.startWorker({ ...OPTIONS, repository });
    for (const [i, tag] of tags().entries()) {
      const data = { v: 1, replyTo: null, commands: [create(`c${i}`, String(i).repeat(22))] };
      await queue(tag).add('command', data, { jobId: `lost-${i}`, attempts: 1 });
    }
    const letters = stage.opened.add(new DeadLetters(stage.url, { prefix: stage.prefix, ...OPTIONS }));
    await eventually('all have failed', async () => (await letters.count('commands')) === PARTITIONS);
    const found: string[] = [];
    for await (const { jobId } of letters.of('commands')) found.push(jobId);
    assert.sameMembers(found, ['lost-0', 'lost-1', 'lost-2']);
    await eventually('all are told of', async () => (await letters.find('commands', 'lost-2'))?.results);
    isAiling = false;
    assert.isTrue(await letters.retry('commands', 'lost-1'));
    await eventually('it is applied', () => stage.redis.get(`{${stage.prefix}:0}:t:${'1'.repeat(22)}`));
    assert.isTrue(await letters.drop('commands', 'lost-2'));
    assert.equal(await letters.count('commands'), 1);
  });

  it('are held and counted together', async () => {
    await enqueueMany(30);
    const queues = stage.opened.add(
      new StandingQueues('test', stage.url, { prefix: stage.prefix, ...OPTIONS }),
    );
    const control = new QueueControl(queues);
    await control.pause('commands');
    await stage.startWorker(OPTIONS);
    const [state] = await control.states(['commands']);
    assert.deepInclude(state, { lane: 'commands', paused: true, waiting: 30, active: 0, workers: 1 });
    assert.isNumber(state?.oldest);
    await control.resume('commands');
    await eventually('all are done', async () => (await control.states(['commands']))[0]?.waiting === 0);
  });

  it('are as many for all that have to do with queues, and of no concern to others', async () => {
    const tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix }));
    await tokens.ready();
    await stage.startWorker(OPTIONS);
    assert.equal(await stage.redis.hget(`{${stage.prefix}}:meta`, 'partitions'), '3');
    const error = await rejection(stage.producer().ready());
    assert.instanceOf(error, ConfigError);
    assert.include(error.message, 'partitions is 3 in this deployment, but 1 here');
    await tokens.ready();
  });
});
