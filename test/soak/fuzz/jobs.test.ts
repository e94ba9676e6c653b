// Jobs that hold anything: each command is answered once, or the job is refused, and what is refused leaves nothing behind.
import { inspect } from 'node:util';
import { assert } from 'chai';
import fc from 'fast-check';
import { MemoryTokenRepository } from '../../../src/memory/repository.js';
import { resultsOf } from '../../../src/queue/answers.js';
import { CommandExecutor } from '../../../src/queue/executor.js';
import { LANES, type Lane } from '../../../src/queue/lanes.js';
import { parseJob, toWire } from '../../../src/queue/wire.js';
import { OPERATIONS } from '../../../src/tokens/commands.js';
import { ValidationError } from '../../../src/tokens/errors.js';
import { Stage, stamp } from '../../queue/stage.js';
import { eventually } from '../../support/eventually.js';
import { fuzz, SECONDS, TIMEOUT } from './fuzz.js';
import { json, SECRET, tampered } from './hostile.js';

const RESULTS = 'rt:results:';
const SCOPE = { app: 'shop', type: 'session' };
const IDS = ['a', 'b', 'c'].map((letter) => letter.repeat(22));
const WAIT = 30_000;

const fieldsOf = (op: string, id: string): object => {
  switch (op) {
    case 'create':
      return {
        id,
        owner: 'ann',
        data: { cart: 1, list: [{}], nothing: null },
        duration: 60,
        hint: 'rt_…abcd',
        idle: 9,
      };
    case 'update':
      return { id, data: { cart: null, more: [1, 2] }, ifVersion: 1 };
    case 'refresh':
      return { id, duration: 60 };
    case 'rotate':
      return { id, successor: IDS[1], nonce: 'n'.repeat(43), grace: 10 };
    case 'list':
      return { owner: 'ann', limit: 10, after: { id, expiresAt: 1 } };
    case 'deleteAll':
      return { owner: 'ann', except: id, reason: 'logout', by: 'user' };
    case 'count':
    case 'owners':
    case 'deleteScope':
    case 'deleteApp':
      return {};
    default:
      return { id };
  }
};

const right = fc
  .array(fc.tuple(fc.constantFrom(...OPERATIONS), fc.constantFrom(...IDS)), { minLength: 1, maxLength: 5 })
  .map((commands) => ({
    v: 1,
    replyTo: `${RESULTS}me`,
    commands: commands.map(([op, id], i) => ({
      ...{ commandId: `c${i}`, op, issuedAt: stamp(), app: SCOPE.app },
      ...(op === 'deleteApp' ? {} : { type: SCOPE.type }),
      ...fieldsOf(op, id),
    })),
  }));

const jobs = fc.tuple(
  fc.constantFrom(...LANES),
  fc.oneof(
    { weight: 1, arbitrary: json },
    { weight: 1, arbitrary: right },
    { weight: 9, arbitrary: tampered(right) },
  ),
);

const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).sort();

function parsed(lane: Lane, data: unknown) {
  try {
    return parseJob(data, { lane, resultsPrefix: RESULTS, maxDataBytes: 65_536 });
  } catch (error) {
    assert.instanceOf(error, ValidationError);
    hidesSecret(error);
    return undefined;
  }
}

/** Names that a job gives to its commands and fields are told again; values never are. */
const hidesSecret = (told: unknown) => assert.notInclude(inspect(told, { depth: 9 }), SECRET);

const commandsOf = (data: unknown) => (data as { commands: { commandId: string }[] }).commands;

describe('Fuzzing: jobs', function () {
  this.timeout(TIMEOUT + WAIT);
  const stage = new Stage();

  it('are read, or refused in words that tell no value', () =>
    fuzz(jobs, [], ([lane, data]) => {
      const before = JSON.stringify(data);
      const job = parsed(lane, data);
      assert.equal(JSON.stringify(data), before, 'it was changed');
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), PROTOTYPE);
      if (!job) return;
      assert.deepEqual(
        job.commands.map(({ commandId }) => commandId),
        commandsOf(data).map(({ commandId }) => commandId),
      );
      for (const { command, commandId } of job.commands) {
        if (command instanceof ValidationError) {
          hidesSecret(command);
          assert.isNotEmpty(command.fields);
          continue;
        }
        // What was taken is taken again as the same.
        const again = parsed(lane, {
          v: 1,
          commands: [JSON.parse(JSON.stringify(toWire(command, commandId)))],
        });
        assert.deepEqual(again?.commands[0]?.command, command);
      }
    }));

  it('are run command by command, and one that is refused changes nothing', () =>
    fuzz(jobs, [], async ([lane, data]) => {
      const repository = new MemoryTokenRepository();
      const executor = new CommandExecutor(repository, { resultsPrefix: RESULTS, maxDataBytes: 65_536 });
      try {
        const job = { lane, id: 'j-1', data };
        const results = await executor
          .execute(job, 30_000, async () => {})
          .catch((error: unknown) => {
            assert.instanceOf(error, ValidationError);
            return undefined;
          });
        if (!results) {
          assert.isEmpty(repository.events);
          return;
        }
        assert.deepEqual(
          results.map(({ commandId }) => commandId),
          commandsOf(data).map(({ commandId }) => commandId),
        );
        for (const { commandId, status, error } of results) {
          if (status === 'completed') continue;
          hidesSecret(error);
          assert.isEmpty(repository.events.filter((event) => event.data.commandId === commandId));
        }
      } finally {
        await repository.close();
      }
    }));

  it('are answered by a worker on Redis, which goes on', async () => {
    const errors: Error[] = [];
    const worker = stage.worker();
    worker.on('error', (error) => errors.push(error));
    await worker.start();
    const queues = { commands: stage.queue('commands'), revocations: stage.queue('revocations') };
    let count = 0;
    await fuzz(fc.array(jobs, { minLength: 1, maxLength: 10 }), [], async (several) => {
      const added = await Promise.all(
        several.map(async ([lane, data]) => {
          const job = await queues[lane].add('command', data, { jobId: `fuzz-${count++}` });
          return { lane, id: job.id as string, data };
        }),
      );
      for (const { lane, id, data } of added) {
        const job = await eventually(`${id} is over`, async () => {
          const found = await queues[lane].getJob(id);
          return found?.finishedOn && resultsOf(found) ? found : undefined;
        });
        const results = resultsOf(job) ?? [];
        if (job.failedReason) assert.match(job.failedReason, /^job: /);
        else
          assert.deepEqual(
            results.map(({ commandId }) => commandId),
            commandsOf(data).map(({ commandId }) => commandId),
          );
        hidesSecret([job.failedReason, job.stacktrace]);
        for (const { error } of results) {
          hidesSecret(error);
          if (error && !job.failedReason)
            assert.notInclude(['STORE_UNAVAILABLE', 'COMMAND_FAILED'], error.code, error.message);
        }
      }
    });
    assert.deepEqual(errors, []);
    const producer = stage.producer();
    const { token } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.isTrue(await producer.delete({ ...SCOPE, token }));
    assert.isAbove(count, SECONDS);
  });
});
