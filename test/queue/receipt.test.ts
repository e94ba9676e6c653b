// Receipts: what an enqueued command leaves in its sender's hands.
import { inspect } from 'node:util';
import { assert } from 'chai';
import fc from 'fast-check';
import { ResultTimeoutError, StoreUnavailableError, ValidationError } from '../../src/index.js';
import { rejection } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

describe('A receipt', () => {
  const stage = new Stage();

  it('of a create holds the token where nothing that prints or copies it sees it', async () => {
    const receipt = await stage.producer().enqueue('create', { ...SCOPE, owner: 'ann', duration: 60 });
    const { token } = receipt;
    assert.match(token, /^rt_/);
    assert.notInclude(JSON.stringify(receipt), token);
    assert.notInclude(inspect(receipt, { depth: 9 }), token);
    assert.notInclude(String(new ResultTimeoutError('late', receipt).stack), token);
    assert.notInclude(inspect(new ResultTimeoutError('late', receipt), { depth: 9 }), token);
    assert.sameMembers(Object.keys(receipt), ['operation', 'commandId', 'jobId', 'id']);
    assert.doesNotHaveAnyKeys({ ...receipt }, ['token']);
    assert.notProperty(structuredClone(receipt), 'token');
  });

  it('names the token that will be made before a worker has made it', async () => {
    const producer = stage.producer();
    const receipt = await producer.enqueue('create', { ...SCOPE, owner: 'ann', duration: 60 });
    assert.equal(receipt.id, producer.idOf({ ...SCOPE, token: receipt.token }));
    const custom = await producer.enqueue('create', {
      ...SCOPE,
      owner: 'ann',
      duration: 60,
      customToken: 'mine',
    });
    assert.equal(custom.token, 'mine');
    await stage.startWorker();
    assert.equal((await producer.result(receipt)).id, receipt.id);
    assert.equal((await producer.get({ ...SCOPE, token: receipt.token }))?.owner, 'ann');
    assert.equal((await producer.get({ ...SCOPE, token: 'mine' }))?.id, custom.id);
  });

  it('names the token that it is about, and holds no secret, for every other operation', async () => {
    const producer = stage.producer();
    const id = producer.idOf({ ...SCOPE, token: 'mine' });
    for (const [operation, input] of [
      ['get', { token: 'mine' }],
      ['update', { token: 'mine', data: {} }],
      ['refresh', { token: 'mine', duration: 1 }],
      ['delete', { token: 'mine' }],
    ] as const) {
      const receipt = await producer.enqueue(operation, { ...SCOPE, ...input } as never);
      assert.deepInclude(receipt, { operation, id });
      assert.notProperty(receipt, 'token');
    }
    const receipt = await producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' });
    assert.sameMembers(Reflect.ownKeys(receipt), ['operation', 'commandId', 'jobId']);
  });

  it('gives its result after JSON, in another process, as often as it is asked', async () => {
    await stage.startWorker();
    const receipt = await stage.producer().enqueue('create', { ...SCOPE, owner: 'ann', duration: 60 });
    const other = stage.producer();
    const copy = JSON.parse(JSON.stringify(receipt));
    const ask = () => other.result<'create'>(copy);
    const [first, second] = await Promise.all([ask(), ask()]);
    assert.equal(first.id, receipt.id);
    assert.notProperty(first, 'token');
    assert.deepEqual(second, first);
    assert.deepEqual(await ask(), first);
  });

  it('gives every kind of result: of a miss, a count, a list', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const result = async (operation: 'get' | 'delete' | 'deleteAll' | 'list', input: object) =>
      producer.result(
        JSON.parse(JSON.stringify(await producer.enqueue(operation, { ...SCOPE, ...input } as never))),
      );
    assert.isUndefined(await result('get', { token: 'x' }));
    assert.isFalse(await result('delete', { token: 'x' }));
    assert.equal(await result('deleteAll', { owner: 'ann' }), 0);
    assert.deepEqual((await result('list', { owner: 'ann' })) as unknown, []);
  });

  it('waited for at the same time by two calls answers both, however early one of them gives up', async () => {
    const producer = stage.producer();
    const receipt = await producer.enqueue('get', { ...SCOPE, token: 'x' });
    const patient = [producer.result(receipt), producer.result(receipt), producer.result(receipt)];
    assert.instanceOf(await rejection(producer.result(receipt, { timeout: 50 })), ResultTimeoutError);
    await stage.startWorker();
    assert.deepEqual(await Promise.all(patient), [undefined, undefined, undefined]);
  });

  it('of a job that is gone is unknown: it may have run', async () => {
    const producer = stage.producer();
    const receipt = await producer.enqueue('get', { ...SCOPE, token: 'x' });
    await stage.queue('commands').remove(receipt.jobId);
    const error = await rejection<StoreUnavailableError>(producer.result(receipt));
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'unknown');
    assert.match(error.message, /no longer kept/);
  });

  it('that is none is refused before anything is asked', async () => {
    const producer = stage.producer();
    for (const receipt of [
      undefined,
      null,
      {},
      'x',
      { operation: 'get', commandId: 'a:b', jobId: 'x' },
      { operation: 'constructor', commandId: 'x', jobId: 'x' },
      { operation: 'get', commandId: 'x', jobId: 7 },
    ]) {
      const error = await rejection(producer.result(receipt as never));
      assert.instanceOf(error, ValidationError, inspect(receipt));
    }
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (junk) => {
        assert.instanceOf(await rejection(producer.result(junk as never)), ValidationError);
      }),
      { numRuns: 50 },
    );
    assert.deepEqual(await stage.redis.keys(`*${stage.prefix}*`), []);
  });
});
