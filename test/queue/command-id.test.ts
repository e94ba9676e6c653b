// A commandId of the caller's own: enqueued again, the command is the same one.
import { assert } from 'chai';
import { CommandConflictError, ConfigError, ValidationError } from '../../src/index.js';
import { rejection } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

describe('A commandId', () => {
  const stage = new Stage();
  const create = { ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine', data: { a: 1, b: undefined } };

  it('enqueued again with the same content is the same command, and answers the same', async () => {
    await stage.startWorker();
    const [one, two] = [stage.producer(), stage.producer()];
    const first = await one.create(create, { commandId: 'signup.1' });
    assert.deepEqual(await one.create(create, { commandId: 'signup.1' }), first);
    assert.deepEqual(await two.create(create, { commandId: 'signup.1' }), first);
    const receipt = await two.enqueue('create', create, { commandId: 'signup.1' });
    assert.deepInclude(receipt, { commandId: 'signup.1', jobId: 'c-signup.1', token: 'mine' });
    const { token: _, ...record } = first;
    assert.deepEqual(await two.result(receipt), record);
    assert.lengthOf(await stage.queue('commands').getJobs(['completed']), 1);

    assert.isTrue(await one.delete({ ...SCOPE, token: 'mine' }, { commandId: 'out' }));
    assert.isTrue(await two.delete({ ...SCOPE, token: 'mine' }, { commandId: 'out' }), 'the first answer');
    assert.isFalse(await two.delete({ ...SCOPE, token: 'mine' }));
  });

  it('answers the same error again', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    await producer.create(create);
    const once = await rejection(producer.create(create, { commandId: 'again' }));
    await producer.delete({ ...SCOPE, token: 'mine' });
    const twice = await rejection(producer.create(create, { commandId: 'again' }));
    assert.deepEqual([twice.code, twice.message], ['TOKEN_EXISTS', once.message]);
  });

  it('enqueued with another content is a conflict, and the first command stands', async () => {
    const producer = stage.producer();
    await producer.enqueue('create', create, { commandId: 'c' });
    const others: [string, 'create' | 'get' | 'update', object][] = [
      ['another owner', 'create', { ...create, owner: 'bob' }],
      ['another duration', 'create', { ...create, duration: 61 }],
      ['other data', 'create', { ...create, data: { a: '1' } }],
      ['more data', 'create', { ...create, data: { a: 1, c: 1 } }],
      ['another token', 'create', { ...create, customToken: 'other' }],
      ['another type', 'create', { ...create, type: 'key' }],
      ['another operation', 'get', { ...SCOPE, token: 'mine' }],
    ];
    for (const [what, operation, input] of others) {
      const error = await rejection(producer.enqueue(operation, input as never, { commandId: 'c' }));
      assert.instanceOf(error, CommandConflictError, what);
      assert.notInclude(error.message, 'mine');
    }
    assert.instanceOf(
      await rejection(producer.create({ ...create, owner: 'bob' }, { commandId: 'c' })),
      CommandConflictError,
    );
    await stage.startWorker();
    assert.equal((await producer.create(create, { commandId: 'c' })).owner, 'ann');
    const error = await rejection(
      producer.enqueue('create', { ...create, owner: 'bob' }, { commandId: 'c' }),
    );
    assert.instanceOf(error, CommandConflictError, 'when it has run, too');
  });

  it('of a command on one lane is a conflict on the other, and the second does not run', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    await producer.create(create);
    await producer.create({ ...create, owner: 'bob', customToken: 'other' });
    const refreshed = await producer.refresh(
      { ...SCOPE, token: 'mine', duration: 50 },
      { commandId: 'both' },
    );
    assert.equal(refreshed?.version, 2);
    const other = { ...SCOPE, token: 'other' };
    for (const from of [producer, stage.producer()]) {
      const error = await rejection(from.delete(other, { commandId: 'both' }));
      assert.instanceOf(error, CommandConflictError);
    }
    assert.equal((await producer.get(other))?.owner, 'bob', 'it lives on');
  });

  it('on both lanes at the same time never has one operation answered with the result of the other', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    await producer.create(create);
    for (let i = 0; i < 10; i++) {
      const commandId = `both-${i}`;
      const [found, deleted] = await Promise.allSettled([
        producer.get({ ...SCOPE, token: 'mine' }, { commandId }),
        producer.delete({ ...SCOPE, token: 'nobody' }, { commandId }),
      ]);
      if (found.status === 'fulfilled') assert.equal(found.value?.owner, 'ann');
      else assert.instanceOf(found.reason, CommandConflictError);
      if (deleted.status === 'fulfilled') assert.isFalse(deleted.value);
      else assert.instanceOf(deleted.reason, CommandConflictError);
    }
  });

  it('is the same whatever the order of the keys of the data', async () => {
    const producer = stage.producer();
    const update = { ...SCOPE, token: 'mine' };
    await producer.enqueue('update', { ...update, data: { a: 1, b: { c: 2, d: 3 } } }, { commandId: 'u' });
    await producer.enqueue('update', { ...update, data: { b: { d: 3, c: 2 }, a: 1 } }, { commandId: 'u' });
    assert.lengthOf(await stage.waiting('commands'), 1);
  });

  it('enqueued at the same time by many is one command', async () => {
    await stage.startWorker();
    const producers = [stage.producer(), stage.producer()];
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (producers[i % 2] as (typeof producers)[0]).create(create, { commandId: 'many' }),
      ),
    );
    for (const token of tokens) assert.deepEqual(token, tokens[0]);
    assert.lengthOf(await stage.queue('commands').getJobs(['completed', 'failed', 'waiting']), 1);
    assert.equal(await stage.redis.xlen(`{${stage.prefix}:0}:log`), 1);
  });

  it('enqueued at the same time with different contents has one winner', async () => {
    await stage.startWorker();
    const producers = [stage.producer(), stage.producer()];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        (producers[i % 2] as (typeof producers)[0]).create(
          { ...create, customToken: `t${i}` },
          { commandId: 'race' },
        ),
      ),
    );
    const won = outcomes.filter(({ status }) => status === 'fulfilled');
    assert.lengthOf(won, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.instanceOf(outcome.reason, CommandConflictError);
    }
  });

  it('on a create needs a customToken', async () => {
    const producer = stage.producer();
    const { customToken: _, ...generated } = create;
    for (const call of [
      () => producer.create(generated, { commandId: 'c' }),
      () => producer.enqueue('create', generated, { commandId: 'c' }),
    ]) {
      const error = await rejection<ValidationError>(call());
      assert.instanceOf(error, ValidationError);
      assert.deepEqual(
        error.fields.map(({ field }) => field),
        ['customToken'],
      );
    }
    const all = await rejection<ValidationError>(
      producer.create({ ...generated, owner: '' }, { commandId: 'c' }),
    );
    assert.sameMembers(
      all.fields.map(({ field }) => field),
      ['customToken', 'owner'],
    );
  });

  it('has 1 to 128 of the characters that are allowed, among them what would be a name of BullMQ', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const input = { ...SCOPE, token: 'nobody' };
    for (const commandId of [
      '1',
      '123',
      '-5',
      '0',
      'meta',
      'wait',
      'completed',
      'a.b_c-D9',
      'x'.repeat(128),
    ]) {
      assert.isUndefined(await producer.get(input, { commandId }), commandId);
    }
    assert.isUndefined(await producer.get(input, { commandId: undefined }));
    for (const commandId of ['', 'a:b', 'a b', 'é', 'a\n', 'x'.repeat(129), 7, null, {}]) {
      const error = await rejection(producer.get(input, { commandId: commandId as string }));
      assert.instanceOf(error, ConfigError, String(commandId));
    }
    assert.instanceOf(await rejection(producer.get(input, { comandId: 'x' } as never)), ConfigError);
    assert.instanceOf(await rejection(producer.enqueue('get', input, { timeout: 1 } as never)), ConfigError);
    assert.instanceOf(await rejection(producer.get(input, { timeout: 0 })), ConfigError);
  });
});
