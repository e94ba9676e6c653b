// A job may be run twice, or fail on the way: its effect comes once, and whoever waits is told.
import type { Queue } from 'bullmq';
import { assert } from 'chai';
import { CommandFailedError, type JobResult, StoreUnavailableError } from '../../src/index.js';
import { MemoryTokenRepository } from '../../src/memory/index.js';
import { CommandExecutor, type ExecutableJob, executorRules } from '../../src/queue/executor.js';
import { eventually, rejection } from '../support/eventually.js';
import { replaced, SCOPE, Stage, stamp } from './stage.js';

const LEASE = 30_000;
const held = async () => {};

const JOBS: Record<string, { lane: ExecutableJob['lane']; commands: object[] }> = {
  commands: {
    lane: 'commands',
    commands: [
      { op: 'create', id: 'b'.repeat(22), owner: 'bob', data: { n: 1 }, duration: 60 },
      { op: 'create', id: 'a'.repeat(22), owner: 'ann', data: {}, duration: 60 },
      { op: 'update', id: 'a'.repeat(22), data: { a: 1 } },
      { op: 'update', id: 'c'.repeat(22), data: { a: 1 } },
      { op: 'refresh', id: 'a'.repeat(22), duration: 90 },
      { op: 'update', id: 'a'.repeat(22), data: { x: 'y'.repeat(65_525) } },
    ],
  },
  revocations: {
    lane: 'revocations',
    commands: [
      { op: 'delete', id: 'a'.repeat(22) },
      { op: 'delete', id: 'd'.repeat(22) },
      { op: 'deleteAll', owner: 'bob' },
    ],
  },
};

const jobOf = (name: string): ExecutableJob => {
  const { lane, commands } = JOBS[name] as (typeof JOBS)[string];
  const at = stamp();
  return {
    lane,
    id: `j-${name}`,
    data: {
      v: 1,
      replyTo: null,
      commands: commands.map((command, i) => ({
        commandId: `c${i}`,
        issuedAt: at + i,
        ...SCOPE,
        ...command,
      })),
    },
  };
};

describe('A job that runs twice', () => {
  const stage = new Stage();
  const log = async () => (await stage.redis.xrange(`{${stage.prefix}:0}:log`, '-', '+')).length;

  it('applies its effects once, and answers the same', async () => {
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    const first = jobOf('commands');
    const answers = await executor.execute(first, LEASE, held);
    assert.deepEqual(
      answers.map(({ error, value }) => error?.code ?? (value as { version: number } | undefined)?.version),
      [1, 1, 2, undefined, 3, 'VALIDATION'],
    );
    const events = await log();
    const replayed = await executor.execute(first, LEASE, held);
    assert.equal(await log(), events);
    assert.deepEqual(
      replayed.map(({ status, error }) => [status, error]),
      answers.map(({ status, error }) => [status, error]),
    );
    assert.deepEqual(replayed[4]?.value as object, answers[4]?.value, 'the record as of now');

    const second = jobOf('revocations');
    const revoked = await executor.execute(second, LEASE, held);
    assert.deepEqual(
      revoked.map(({ value }) => value),
      [true, false, 1],
    );
    const later = await log();
    assert.deepEqual(await executor.execute(second, LEASE, held), revoked);
    assert.equal(await log(), later);
  });

  it('at the same time applies its effects once', async () => {
    const executors = [1, 2, 3].map(
      () => new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix })),
    );
    const job = jobOf('commands');
    const answers = await Promise.all(executors.map((executor) => executor.execute(job, LEASE, held)));
    for (const answer of answers) {
      assert.deepEqual(
        answer.map(({ status }) => status),
        ['completed', 'completed', 'completed', 'completed', 'completed', 'failed'],
      );
    }
    assert.equal(await log(), 4);
  });

  it('because its worker seemed to be dead applies its effects once, and is answered', async () => {
    const producer = stage.producer();
    await producer
      .create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' }, { timeout: 50 })
      .catch(() => {});
    const [job] = await stage.waiting('commands');
    // A worker runs it, and dies before it acknowledges.
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    const id = job?.id as string;
    const [before] = await executor.execute({ lane: 'commands', id, data: job?.data }, LEASE, held);
    assert.equal(before?.status, 'completed');
    await stage.startWorker();
    const commandId = job?.data.commands[0].commandId;
    const record = await producer.result({ operation: 'create', commandId, jobId: id });
    assert.deepEqual(record as unknown, before?.value);
    assert.equal(await log(), 1);
  });

  it('is another job where only its id was used before', async () => {
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    await executor.execute(jobOf('commands'), LEASE, held);
    await executor.execute(jobOf('revocations'), LEASE, held);
    const [again] = await executor.execute(jobOf('revocations'), LEASE, held);
    assert.isFalse(again?.value);
  });

  it('applies its effects once though its workers differ about what a command may hold', async () => {
    const strict = { prefix: stage.prefix, maxDataBytes: 100 };
    const small = new CommandExecutor(stage.repository({ maxDataBytes: 100 }), executorRules(strict));
    const large = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    const [big, y] = ['b'.repeat(22), 'y'.repeat(22)];
    const at = stamp();
    const of = (op: object, i: number) => ({ commandId: `c${i}`, issuedAt: at + i, ...SCOPE, ...op });
    const data = { n: 'x'.repeat(300) };
    const commands = [
      of({ op: 'create', id: big, owner: 'ann', data, duration: 60 }, 0),
      of({ op: 'create', id: y, owner: 'ann', data: {}, duration: 60 }, 1),
      of({ op: 'update', id: y, data: { a: 1 } }, 2),
    ];
    const job = { lane: 'commands', id: 'j-1', data: { v: 1, replyTo: null, commands } } as const;
    const first = await small.execute(job, LEASE, held);
    assert.deepEqual(
      first.map(({ status }) => status),
      ['failed', 'completed', 'completed'],
    );
    const [, , again] = await large.execute({ ...job, data: structuredClone(job.data) }, LEASE, held);
    assert.deepInclude(again?.value as object, { version: 2 });
  });

  it('runs nothing of a token before what failed on the way, and is to be run again', async () => {
    const real = stage.repository();
    let isAiling = true;
    const repository = replaced(real, {
      create: (command, attempt) =>
        isAiling
          ? Promise.reject(new StoreUnavailableError('gone for a moment', 'unknown'))
          : real.create(command, attempt),
    });
    const executor = new CommandExecutor(repository, executorRules({ prefix: stage.prefix }));
    const id = 'a'.repeat(22);
    const of = (op: object, i: number) => ({ commandId: `c${i}`, issuedAt: stamp(), ...SCOPE, id, ...op });
    const commands = [
      of({ op: 'create', owner: 'ann', data: {}, duration: 60 }, 0),
      of({ op: 'update', data: { a: 1 } }, 1),
    ];
    const job = { lane: 'commands', id: 'j-1', data: { v: 1, replyTo: null, commands } } as const;
    await rejection(executor.execute(job, LEASE, held));
    isAiling = false;
    const [, updated] = await executor.execute(job, LEASE, held);
    assert.deepInclude(updated?.value as object, { version: 2, data: { a: 1 } });
  });

  it('changes nothing where another attempt has taken it over', async () => {
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    const taken = new Error('taken over');
    const lost = () => Promise.reject(taken);
    assert.equal(await rejection(executor.execute(jobOf('commands'), LEASE, lost)), taken);
    assert.equal(await log(), 0);
    const late = await rejection(executor.execute(jobOf('commands'), -1, held));
    assert.instanceOf(late, StoreUnavailableError, 'its lease is over');
    assert.equal(await log(), 0);
  });
});

describe('A job that fails on the way', () => {
  const stage = new Stage();
  const unavailable = () => new StoreUnavailableError('gone for a moment', 'unknown');
  /** The pauses between its attempts are passed over, which together last for minutes. */
  const over = (queue: Queue, jobId: string) =>
    eventually(`${jobId} is over`, async () => {
      const job = await queue.getJob(jobId);
      if (await job?.isDelayed()) await job?.promote().catch(() => {});
      return job?.finishedOn ? job : undefined;
    });

  it('is run again until it succeeds, and is answered as if nothing had been', async () => {
    const real = stage.repository();
    let calls = 0;
    const repository = replaced(real, {
      create: async (command, attempt) => {
        calls++;
        const made = await real.create(command, attempt);
        if (calls < 3) throw unavailable(); // the reply is lost
        return made;
      },
    });
    const worker = await stage.startWorker({ repository });
    const failures: unknown[] = [];
    worker.on('failed', (job) => failures.push(job));
    const producer = stage.producer();
    const created = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.equal(created.version, 1);
    assert.equal(calls, 3);
    assert.deepEqual(failures, [], 'for good it never failed');
    assert.equal(await stage.redis.xlen(`{${stage.prefix}:0}:log`), 1);
  });

  it('and succeeds at last has its result for who only reads it', async () => {
    const real = stage.repository();
    let calls = 0;
    const repository = replaced(real, {
      get: (command) => (++calls < 2 ? Promise.reject(unavailable()) : real.get(command)),
    });
    await stage.startWorker({ repository });
    const receipt = await stage.producer().enqueue('get', { ...SCOPE, token: 'x' });
    const queue = stage.queue('commands');
    await eventually('it is over', async () => (await queue.getJob(receipt.jobId))?.finishedOn);
    assert.equal(calls, 2);
    assert.isUndefined(await stage.producer().result(receipt));
  });

  it('too often stays as a dead letter, and is answered as failed', async () => {
    const heard = await stage.listen();
    const repository = replaced(stage.repository(), { get: () => Promise.reject(unavailable()) });
    const worker = await stage.startWorker({ repository });
    const told = new Promise<[object, Error]>((resolve) => worker.on('failed', (...args) => resolve(args)));
    const command = { commandId: 'x', op: 'get', issuedAt: stamp(), ...SCOPE, id: 'x'.repeat(22) };
    const other = { ...command, commandId: 'y', op: 'list', id: undefined, owner: 'ann' };
    const data = { v: 1, replyTo: `${stage.prefix}:results:me`, commands: [command, other] };
    const queue = stage.queue('commands');
    await queue.add('batch', data, { jobId: 'j-1', attempts: 3, backoff: { type: 'fixed', delay: 10 } });
    const [job, error] = await told;
    assert.deepEqual(job, { lane: 'commands', id: 'j-1' });
    assert.include(error.message, 'gone for a moment');
    const [, message] = await eventually('it is heard', () => heard[0]);
    assert.lengthOf(heard, 1);
    assert.equal(message.jobId, 'j-1');
    assert.deepEqual(
      message.results.map(({ commandId, op, status, error: e }) => [commandId, op, status, e?.code]),
      [
        ['x', 'get', 'failed', 'COMMAND_FAILED'],
        ['y', 'list', 'failed', 'COMMAND_FAILED'],
      ],
    );
    const kept = await queue.getJob('j-1');
    assert.equal(await kept?.getState(), 'failed');
    assert.equal(kept?.attemptsMade, 3);

    const failure = await rejection(
      stage.producer().result({ operation: 'get', commandId: 'x', jobId: 'j-1' }),
    );
    assert.instanceOf(failure, CommandFailedError);
    assert.include(failure.message, 'gone for a moment');
  });

  it('for a reason that does not pass is not run again, and only that command fails', async () => {
    let calls = 0;
    const repository = new MemoryTokenRepository();
    const create = repository.create.bind(repository);
    repository.create = (...args) => {
      calls++;
      return create(...args);
    };
    await stage.startWorker({ repository });
    const producer = stage.producer();
    await producer.ready();
    const input = { ...SCOPE, owner: 'ann', duration: 60 };
    const [one, two, three] = await Promise.allSettled([
      producer.create({ ...input, customToken: 'a' }),
      producer.create({ ...input, customToken: 'a' }),
      producer.create({ ...input, customToken: 'b' }),
    ]);
    assert.deepEqual([one.status, two.status, three.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.equal(calls, 3);
  });

  it('by a fault of the program fails for good in time, and the worker goes on', async () => {
    const repository = replaced(stage.repository(), {
      list: () => Promise.reject(new TypeError('a fault')),
    });
    await stage.startWorker({ repository });
    const command = { commandId: 'x', op: 'list', issuedAt: stamp(), ...SCOPE, owner: 'ann' };
    const queue = stage.queue('commands');
    await queue.add('command', { v: 1, replyTo: null, commands: [command] }, { jobId: 'j-1' });
    assert.equal((await over(queue, 'j-1')).failedReason, 'a fault');
    assert.isUndefined(await stage.producer().get({ ...SCOPE, token: 'x' }));
  });

  it('again and again waits longer each time, whoever enqueued it', async () => {
    const calls: number[] = [];
    const repository = replaced(stage.repository(), {
      get: async () => {
        calls.push(performance.now());
        if (calls.length < 5) throw unavailable();
        return undefined;
      },
    });
    await stage.startWorker({ repository });
    const command = { commandId: 'x', op: 'get', issuedAt: stamp(), ...SCOPE, id: 'x'.repeat(22) };
    // As a program adds it that knows nothing of attempts.
    const [result] = await stage.run('commands', { v: 1, replyTo: null, commands: [command] });
    assert.equal(result?.status, 'completed');
    const pauses = calls.slice(1).map((time, i) => time - (calls[i] as number));
    assert.lengthOf(pauses, 4);
    // Half of what doubles from 100 ms on is what jitter may leave; no upper bound, for the machine may be slow.
    for (const [i, pause] of pauses.entries()) assert.isAtLeast(pause, 49 * 2 ** i, `pause ${i + 1}`);
  });

  it('gives up in the end where it does not say how often it may run', async () => {
    const repository = replaced(stage.repository(), { get: () => Promise.reject(unavailable()) });
    await stage.startWorker({ repository });
    const command = { commandId: 'x', op: 'get', issuedAt: stamp(), ...SCOPE, id: 'x'.repeat(22) };
    const queue = stage.queue('commands');
    await queue.add('command', { v: 1, replyTo: null, commands: [command] }, { jobId: 'j-1' });
    assert.equal((await over(queue, 'j-1')).attemptsMade, 12);
  });

  it('is answered even where BullMQ gave up on it because its workers died', async () => {
    const heard = await stage.listen();
    const queue = stage.queue('commands');
    const command = { commandId: 'x', op: 'get', issuedAt: stamp(), ...SCOPE, id: 'x'.repeat(22) };
    const data = { v: 1, replyTo: `${stage.prefix}:results:me`, commands: [command] };
    await queue.add('command', data, { jobId: 'j-1' });
    // What BullMQ leaves on a job that stalled more often than it may.
    await stage.redis.hset(`{${stage.prefix}}:commands:j-1`, 'defa', 'job stalled more than allowable limit');
    await stage.startWorker();
    const [, message] = (await eventually('it is heard', () => heard[0])) as [string, JobResult];
    assert.include(message.results[0] as object, { commandId: 'x', status: 'failed' });
    assert.include(message.results[0]?.error?.message, 'stalled');
  });
});
