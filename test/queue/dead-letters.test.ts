// What becomes of a job that failed for good: each command is answered as it stands, and an operator may run it again.
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { assert } from 'chai';
import {
  CommandFailedError,
  ConfigError,
  type JobResult,
  StoreUnavailableError,
  type TokenRepository,
  ValidationError,
} from '../../src/index.js';
import { Answers } from '../../src/queue/answers.js';
import { DeadLetters } from '../../src/queue/dead-letters.js';
import { CommandExecutor, executorRules } from '../../src/queue/executor.js';
import type { Lane } from '../../src/queue/lanes.js';
import { Keys } from '../../src/redis/keys.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { eventually, rejection } from '../support/eventually.js';
import { replaced, SCOPE, Stage, stamp } from './stage.js';

const [FIRST, SECOND] = ['a'.repeat(22), 'b'.repeat(22)] as const;
const GONE = 'gone for a moment';
const ATTEMPTS = { attempts: 2, backoff: { type: 'fixed', delay: 5 } };

describe('A dead letter', () => {
  const stage = new Stage();
  let isAiling: boolean;
  let heard: [channel: string, message: JobResult][];

  beforeEach(async () => {
    isAiling = true;
    heard = await stage.listen();
  });

  const create = (commandId: string, id: string) => ({
    ...{ commandId, op: 'create', issuedAt: stamp(), ...SCOPE },
    ...{ id, owner: 'ann', data: {}, duration: 60 },
  });
  const jobOf = (...commands: object[]) => ({ v: 1, replyTo: `${stage.prefix}:results:me`, commands });
  const version = async (id: string) =>
    JSON.parse((await stage.redis.get(`{${stage.prefix}:0}:t:${id}`)) ?? '[]')[3];
  const logged = () => stage.redis.xlen(`{${stage.prefix}:0}:log`);
  const letters = () => stage.opened.add(new DeadLetters(stage.url, { prefix: stage.prefix }));
  const message = (n: number) => eventually('its result is told', () => heard[n]?.[1]);
  const told = ({ results }: JobResult) => results.map(({ status, error }) => error?.code ?? status);

  /** Its writes to the second token fail for as long as it ails. */
  const ailing = (): TokenRepository => {
    const real = stage.repository();
    return replaced(real, {
      create: (command, attempt) =>
        isAiling && command.id === SECOND
          ? Promise.reject(new StoreUnavailableError(GONE, 'none'))
          : real.create(command, attempt),
    });
  };

  /** A batch of which the first command is applied, and the second is not. */
  async function half(): Promise<object> {
    const data = jobOf(create('x', FIRST), create('y', SECOND));
    await stage.startWorker({ repository: ailing() });
    await stage.queue('commands').add('batch', data, { jobId: 'j-1', ...ATTEMPTS });
    return data;
  }

  /** Has them fail under a worker that tells nobody, long ago. */
  async function failAll(ids: readonly string[]): Promise<void> {
    const dying = new Worker('commands', () => Promise.reject(new UnrecoverableError('it dies')), {
      connection: stage.client(),
      prefix: `{${stage.prefix}}`,
    });
    dying.on('error', () => {});
    const failed = `{${stage.prefix}}:commands:failed`;
    await eventually('they have failed', async () => (await stage.redis.zcard(failed)) >= ids.length);
    await dying.close();
    for (const id of ids) {
      const ago = Date.now() - 60_000;
      await stage.redis.hset(`{${stage.prefix}}:commands:${id}`, 'finishedOn', ago);
      await stage.redis.zadd(failed, ago, id);
    }
  }

  it('tells of each command what became of it: applied, or given up', async () => {
    await half();
    const { results } = await message(0);
    assert.deepEqual(told({ results } as JobResult), ['completed', 'COMMAND_FAILED']);
    assert.deepInclude(results[0]?.value as object, { id: FIRST, version: 1 });
    assert.equal(results[1]?.error?.message, GONE);
    const producer = stage.producer();
    const receipt = { operation: 'create', jobId: 'j-1' } as const;
    assert.deepEqual(
      (await producer.result({ ...receipt, commandId: 'x' })) as unknown,
      results[0]?.value,
      'who only reads it is told the same',
    );
    assert.equal((await rejection(producer.result({ ...receipt, commandId: 'y' }))).message, GONE);
    assert.lengthOf(heard, 1);
  });

  for (const [what, refusal] of Object.entries({
    'a right that Redis does not grant': new ConfigError('Redis refuses: NOPERM'),
    'an answer that nobody expects': new CommandFailedError('Redis answers: WRONGTYPE'),
  })) {
    it(`is what ${what} makes of a revocation, which can be run again`, async () => {
      const real = stage.repository();
      const refusing: Partial<TokenRepository> = { delete: () => Promise.reject(refusal) };
      const worker = await stage.startWorker({ repository: replaced(real, refusing) });
      const command = { commandId: 'x', op: 'delete', issuedAt: stamp(), ...SCOPE, id: FIRST };
      await stage.queue('revocations').add('command', jobOf(command), { jobId: 'j-1', ...ATTEMPTS });
      assert.deepEqual(told(await message(0)), ['COMMAND_FAILED']);
      await worker.close();
      await stage.startWorker();
      assert.isTrue(await letters().retry('revocations', 'j-1'));
      assert.deepEqual(told(await message(1)), ['completed']);
    });
  }

  it('is not applied by a worker that was frozen meanwhile', async () => {
    const data = await half();
    await message(0);
    const frozen = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    await rejection(frozen.execute({ lane: 'commands', id: 'j-1', data }, 30_000, async () => {}));
    assert.isUndefined(await version(SECOND));
    assert.equal(await logged(), 1);
  });

  it('that is run again applies what was given up, and that alone, and tells anew', async () => {
    await half();
    await message(0);
    isAiling = false;
    assert.isTrue(await letters().retry('commands', 'j-1'));
    assert.deepEqual(told(await message(1)), ['completed', 'completed']);
    assert.equal(await version(FIRST), 1);
    assert.equal(await version(SECOND), 1);
    assert.equal(await logged(), 2);
    const receipt = { operation: 'create', jobId: 'j-1', commandId: 'y' } as const;
    const record = (await stage.producer().result(receipt)) as unknown as { id: string };
    assert.equal(record.id, SECOND);
  });

  it('that is run again and fails again is told as it stands then', async () => {
    await half();
    await message(0);
    assert.isTrue(await letters().retry('commands', 'j-1'));
    assert.deepEqual(told(await message(1)), ['completed', 'COMMAND_FAILED']);
    assert.equal((await letters().find('commands', 'j-1'))?.attempts, ATTEMPTS.attempts, 'all of them anew');
    assert.equal(await logged(), 1);
  });

  it('of a worker whose tokens are elsewhere shows what it failed for, also after it was run again', async () => {
    const elsewhere = new RedisTokenRepository(
      new Store(stage.url, 5_000),
      resolveTokenOptions({ prefix: `${stage.prefix}-2` }),
    );
    const repository = stage.opened.add(
      replaced(elsewhere, { create: () => Promise.reject(new StoreUnavailableError(GONE, 'none')) }),
    );
    const worker = await stage.startWorker({ repository });
    await stage.producer().ready();
    await stage.queue('commands').add('command', jobOf(create('y', SECOND)), { jobId: 'j-1', ...ATTEMPTS });
    await message(0);
    await worker.close();
    await stage.startWorker({ repository: elsewhere });
    for (let again = 1; again <= 2; again++) {
      assert.isTrue(await letters().retry('commands', 'j-1'));
      assert.deepEqual(told(await message(again)), ['COMMAND_FAILED']);
      const letter = await letters().find('commands', 'j-1');
      assert.equal(letter?.reason, `${GONE} (run again: the command was given up)`);
    }
  });

  it('that is run again and fails untold does not answer as it did before', async () => {
    const data = jobOf(create('y', SECOND));
    const worker = await stage.startWorker({ repository: ailing() });
    await stage.queue('commands').add('command', data, { jobId: 'j-1', ...ATTEMPTS });
    await message(0);
    await worker.close();
    assert.isTrue(await letters().retry('commands', 'j-1'));
    await failAll(['j-1']);
    const receipt = { operation: 'create', jobId: 'j-1', commandId: 'y' } as const;
    const early = await rejection(stage.producer().result(receipt, { timeout: 100 }));
    assert.equal((early as { code?: string }).code, 'RESULT_TIMEOUT');
  });

  it('that BullMQ made, because its workers died, is answered as it stands', async () => {
    const data = jobOf(create('x', FIRST), create('y', SECOND));
    const executor = new CommandExecutor(ailing(), executorRules({ prefix: stage.prefix }));
    const job = { lane: 'commands', id: 'j-1', data } as const;
    await rejection(executor.execute(job, 30_000, async () => {}));
    await stage.queue('commands').add('batch', data, { jobId: 'j-1' });
    // What BullMQ leaves on a job that stalled more often than it may.
    await stage.redis.hset(`{${stage.prefix}}:commands:j-1`, 'defa', 'job stalled more than allowable limit');
    await stage.startWorker();
    const { results } = await message(0);
    assert.deepEqual(told({ results } as JobResult), ['completed', 'COMMAND_FAILED']);
    assert.include(results[1]?.error?.message, 'stalled');
    assert.equal(await logged(), 1);
  });

  it('whose worker died before it told is told by another', async () => {
    const producer = stage.producer();
    await stage.queue('commands').add('command', jobOf(create('x', FIRST)), { jobId: 'j-1' });
    await failAll(['j-1']);
    const receipt = { operation: 'create', jobId: 'j-1', commandId: 'x' } as const;
    const early = await rejection(producer.result(receipt, { timeout: 100 }));
    assert.equal((early as { code?: string }).code, 'RESULT_TIMEOUT', 'nobody knows yet what was applied');
    await stage.startWorker();
    assert.equal((await rejection(producer.result(receipt, { timeout: 15_000 }))).message, 'it dies');
  });

  it('is told by another though many failed since, and one that nobody can read is among them', async () => {
    const queue = stage.queue('commands');
    const ids = Array.from({ length: 120 }, (_, i) => `j-${i}`);
    for (const id of ids) await queue.add('command', jobOf(create('x', FIRST)), { jobId: id });
    await failAll(ids);
    await stage.redis.hset(`{${stage.prefix}}:commands:j-60`, 'data', '{"v":');
    await stage.startWorker();
    const readable = ids.filter((id) => id !== 'j-60');
    await eventually('all are told', () => heard.length >= readable.length, 15_000);
    assert.sameMembers(
      heard.map(([, { jobId }]) => jobId),
      readable,
    );
    const found = [];
    for await (const letter of letters().of('commands')) found.push(letter.jobId);
    assert.lengthOf(found, ids.length, 'the one that nobody can read is listed, too');
    assert.instanceOf(await rejection(letters().retry('commands', 'j-60')), ValidationError);
    assert.isTrue(await letters().drop('commands', 'j-60'));
  }).timeout(30_000);

  it('is answered although it is not to be kept', async () => {
    const worker = await stage.startWorker({ repository: ailing() });
    const errors: Error[] = [];
    worker.on('error', (error) => errors.push(error));
    const over = new Promise((resolve) => worker.once('failed', resolve));
    const data = jobOf(create('y', SECOND));
    await stage.queue('commands').add('command', data, { jobId: 'j-1', ...ATTEMPTS, removeOnFail: true });
    assert.deepEqual(told(await message(0)), ['COMMAND_FAILED']);
    await over;
    assert.deepEqual(errors, []);
    assert.isEmpty(await stage.redis.keys(`{${stage.prefix}}:commands:j-1`));
  });

  it('that an operator has had run again is not told as failed by who slept meanwhile', async () => {
    await half();
    await message(0);
    const asleep = await stage.queue('commands').getJob('j-1');
    isAiling = false;
    assert.isTrue(await letters().retry('commands', 'j-1'));
    assert.deepEqual(told(await message(1)), ['completed', 'completed']);
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    const sleeper = new Answers(executor, stage.redis, new Keys(stage.prefix));
    await stage.redis.del(await stage.redis.keys(`{${stage.prefix}:0}:job:*`)); // it slept for long
    await sleeper.failed('commands', asleep as Job, new Error(GONE));
    const receipt = { operation: 'create', jobId: 'j-1', commandId: 'y' } as const;
    assert.isDefined(await stage.producer().result(receipt));
    assert.lengthOf(heard, 2);
    assert.isEmpty(await stage.redis.keys(`{${stage.prefix}:0}:job:*`), 'and nothing was given up');
  });

  it('that is run again has all the deaths before it that a job may have', async () => {
    const queue = stage.queue('commands');
    await queue.add('command', jobOf(create('x', FIRST)), { jobId: 'j-1' });
    await stage.redis.hset(`{${stage.prefix}}:commands:j-1`, 'stc', 21);
    await failAll(['j-1']);
    assert.isTrue(await letters().retry('commands', 'j-1'));
    assert.isNull(await stage.redis.hget(`{${stage.prefix}}:commands:j-1`, 'stc'));
  });

  it('of a store that can not be asked is told as one of which nobody knows', async () => {
    const unavailable = () => Promise.reject(new StoreUnavailableError(GONE, 'none'));
    await stage.startWorker({
      repository: replaced(stage.repository(), { create: unavailable, giveUp: unavailable }),
    });
    await stage.queue('commands').add('command', jobOf(create('x', FIRST)), { jobId: 'j-1', ...ATTEMPTS });
    const { results } = await message(0);
    assert.deepEqual(results[0]?.error, {
      code: 'STORE_UNAVAILABLE',
      message: GONE,
      details: { outcome: 'unknown' },
    });
  });

  it('of revocations ends, when it is run again, only what was issued before it', async () => {
    const real = stage.repository();
    const repository = replaced(real, {
      deleteAll: (command, attempt) =>
        isAiling ? Promise.reject(new StoreUnavailableError(GONE, 'none')) : real.deleteAll(command, attempt),
    });
    await stage.startWorker({ repository });
    const producer = stage.producer();
    const before = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const command = { commandId: 'x', op: 'deleteAll', issuedAt: stamp(), ...SCOPE, owner: 'ann' };
    await stage.queue('revocations').add('command', jobOf(command), { jobId: 'j-1', ...ATTEMPTS });
    await message(heard.length);
    const after = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    isAiling = false;
    assert.isTrue(await letters().retry('revocations', 'j-1'));
    await eventually(
      'it was revoked',
      async () => (await producer.get({ ...SCOPE, token: before.token })) === undefined,
    );
    assert.isDefined(await producer.get({ ...SCOPE, token: after.token }));
  });

  describe('for an operator', () => {
    const poison = (lane: Lane, jobId: string) => stage.queue(lane).add('command', { v: 1 }, { jobId });

    it('is found, newest first, with all that is known of it', async () => {
      const data = await half();
      const [[, first] = []] = await eventually('it failed', () => (heard.length > 0 ? heard : undefined));
      await poison('commands', 'j-2');
      await eventually('it failed too', async () => (await letters().count('commands')) === 2);
      const found = [];
      for await (const letter of letters().of('commands')) found.push(letter);
      assert.deepEqual(
        found.map(({ jobId }) => jobId),
        ['j-2', 'j-1'],
      );
      assert.deepInclude(found[1], {
        lane: 'commands',
        attempts: 2,
        reason: GONE,
        data,
        results: first?.results,
      });
      assert.isEmpty(found[0]?.results, 'whom it concerned can not be read');
    });

    it('that no worker can read is not run again', async () => {
      await stage.startWorker();
      await poison('revocations', 'j-3');
      await eventually('it failed', async () => (await letters().count('revocations')) === 1);
      assert.instanceOf(await rejection(letters().retry('revocations', 'j-3')), ValidationError);
      assert.equal(await letters().count('revocations'), 1);
    });

    it('is dropped', async () => {
      await stage.startWorker();
      await poison('commands', 'j-4');
      await eventually('it failed', async () => (await letters().count('commands')) === 1);
      assert.isTrue(await letters().drop('commands', 'j-4'));
      assert.isFalse(await letters().drop('commands', 'j-4'));
      assert.isFalse(await letters().retry('commands', 'j-4'));
      assert.isUndefined(await letters().find('commands', 'j-4'));
    });

    it('is none while it waits, runs, or is done', async () => {
      const { jobId } = await stage.producer().enqueue('get', { ...SCOPE, token: 'x' });
      assert.isUndefined(await letters().find('commands', jobId));
      assert.isFalse(await letters().drop('commands', jobId));
      assert.isFalse(await letters().retry('commands', jobId));
      assert.lengthOf(await stage.waiting('commands'), 1);
    });
  });
});
