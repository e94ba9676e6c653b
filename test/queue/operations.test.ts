// Operations through a producer and a worker: they answer as those in process do.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import {
  generateToken,
  RedisTokens,
  ResultTimeoutError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
} from '../../src/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { SCOPE, Stage, stamp } from './stage.js';
import { tell } from './story.js';

describe('Operations through a queue', () => {
  const stage = new Stage();

  for (const shards of [1, 4]) {
    it(`answer as those in process do, on ${shards} shard${shards > 1 ? 's' : ''}`, async () => {
      await stage.startWorker({ shards });
      const inProcess = stage.opened.add(new RedisTokens(stage.url, { shards, prefix: `${stage.prefix}x` }));
      const expected = await tell(inProcess);
      assert.deepEqual(await tell(stage.producer({ shards })), expected);
    });
  }

  it('hand out generated tokens that work in process too, and the other way round', async () => {
    await stage.startWorker({ shards: 4 });
    const producer = stage.producer({ shards: 4 });
    const inProcess = stage.opened.add(new RedisTokens(stage.url, { shards: 4, prefix: stage.prefix }));
    const created = await producer.create({ ...SCOPE, owner: 'ann', duration: 60, data: { a: [] } });
    assert.match(created.token, /^rt_[0-9A-Za-z]{49}$/);
    assert.deepEqual(await inProcess.get({ ...SCOPE, token: created.token }), created);
    const other = await inProcess.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.deepEqual(await producer.get({ ...SCOPE, token: other.token }), other);
    assert.equal(await producer.deleteAll({ ...SCOPE, owner: 'ann' }), 2);
    assert.isUndefined(await inProcess.get({ ...SCOPE, token: created.token }));
  });

  it('refuse wrong input with every wrong field, and enqueue nothing', async () => {
    const producer = stage.producer();
    const inputs: [Parameters<typeof producer.enqueue>[0], object, string[]][] = [
      [
        'create',
        { app: '', type: 7, duration: 0, data: { d: new Date() } },
        ['app', 'type', 'owner', 'data', 'duration'],
      ],
      ['get', { ...SCOPE }, ['token']],
      ['update', { ...SCOPE, token: 'x', data: [] }, ['data']],
      ['refresh', { ...SCOPE, token: 'x', duration: 1e12 }, ['duration']],
      ['delete', { ...SCOPE, token: null }, ['token']],
      ['deleteAll', { app: 'a\0', type: 't' }, ['app', 'owner']],
      ['list', { ...SCOPE, owner: 'ann', limit: 0 }, ['limit']],
    ];
    for (const [operation, input, fields] of inputs) {
      for (const call of [
        () => producer.enqueue(operation, input as never),
        () => (producer[operation] as (input: never) => Promise<unknown>)(input as never),
      ]) {
        const error = await rejection<ValidationError>(call());
        assert.instanceOf(error, ValidationError, operation);
        assert.sameMembers(
          error.fields.map(({ field }) => field),
          fields,
          operation,
        );
      }
    }
    assert.deepEqual(await stage.redis.keys(`*${stage.prefix}*`), [], 'nothing was sent to Redis');
  });

  it('fail with the class of error that they fail with in process', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const input = { ...SCOPE, owner: 'ann', duration: 60, customToken: generateToken() };
    await producer.create(input);
    const exists = await rejection(producer.create(input));
    assert.instanceOf(exists, TokenExistsError);
    assert.notInclude(exists.stack ?? '', input.customToken);

    const id = producer.idOf({ ...SCOPE, token: 'later' });
    await producer.delete({ ...SCOPE, token: 'later' });
    const command = { commandId: 'x', op: 'create', issuedAt: stamp() - 5_000_000, ...SCOPE };
    await stage
      .queue('commands')
      .add(
        'command',
        { v: 1, replyTo: null, commands: [{ ...command, id, owner: 'ann', data: {}, duration: 60 }] },
        { jobId: 'j-x' },
      );
    const receipt = { operation: 'create', commandId: 'x', jobId: 'j-x' } as const;
    assert.instanceOf(await rejection(producer.result(receipt)), TokenRevokedError);
  });

  it('time out with a receipt where no worker runs, and another producer has the result later', async () => {
    const producer = stage.producer();
    const begun = performance.now();
    const error = await rejection<ResultTimeoutError<object>>(
      producer.create({ ...SCOPE, owner: 'ann', duration: 60 }, { timeout: 150 }),
    );
    assert.instanceOf(error, ResultTimeoutError);
    assert.equal(error.code, 'RESULT_TIMEOUT');
    assert.isBelow(performance.now() - begun, 1_500);
    const { token } = error.receipt as { token: string };
    assert.match(token, /^rt_/);
    const text = JSON.stringify(error.receipt);
    assert.notInclude(text, token);

    await producer.close();
    await stage.startWorker();
    const { id, owner } = await stage.producer().result<'create'>(JSON.parse(text));
    assert.equal(owner, 'ann');
    assert.equal(id, producer.idOf({ ...SCOPE, token }));
  });

  it('answer for a token that can not be alive without a job', async () => {
    const producer = stage.producer();
    for (const token of ['', 'x'.repeat(1_025), 'rt_wrong', 'a\0', '\ud800']) {
      assert.isUndefined(await producer.get({ ...SCOPE, token }));
      assert.isUndefined(await producer.update({ ...SCOPE, token, data: { a: 1 } }));
      assert.isUndefined(await producer.refresh({ ...SCOPE, token, duration: 60 }));
      assert.isFalse(await producer.delete({ ...SCOPE, token }));
    }
    assert.deepEqual(await stage.redis.keys(`*${stage.prefix}*`), []);
  });

  it('fail with a hint where the result is too large to travel', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const data = { text: 'é'.repeat(30_000) };
    await Promise.all(
      Array.from({ length: 20 }, () => producer.create({ ...SCOPE, owner: 'ann', duration: 60, data })),
    );
    const error = await rejection<Error & { code: string }>(producer.list({ ...SCOPE, owner: 'ann' }));
    assert.equal(error.code, 'COMMAND_FAILED');
    assert.match(error.message, /use `limit`/);
    assert.lengthOf(await producer.list({ ...SCOPE, owner: 'ann', limit: 10 }), 10);
  });

  it('tell what they changed, however large it is', async () => {
    await stage.startWorker({ maxDataBytes: 4_194_304 });
    const producer = stage.producer({ maxDataBytes: 4_194_304 });
    const data = { text: 'x'.repeat(1_100_000) };
    const { token, ...made } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60, data });
    assert.equal(made.version, 1);
    assert.equal((await producer.update({ ...SCOPE, token, data: { a: 1 } }))?.version, 2);
  });

  it('take their scope and its defaults from a handle', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const sessions = producer.scope<{ name: string }>({
      ...SCOPE,
      duration: 60,
      idle: 30,
      hint: true,
      limit: { max: 2, overflow: 'end-oldest' },
      tokenPrefix: 'shop_',
    });
    const { token, ...record } = await sessions.create({ owner: 'ann', data: { name: 'Ann' } });
    assert.match(token, /^shop_/);
    assert.deepInclude(record, { ...SCOPE, owner: 'ann', data: { name: 'Ann' } });
    assert.approximately(record.expiresAt - record.createdAt, 30_000, 2);
    assert.equal((record.absoluteExpiresAt as number) - record.expiresAt, 30_000);
    assert.equal(record.hint, `shop_…${token.slice(-4)}`);
    assert.deepEqual(await sessions.get({ token, touch: false }), { ...record, token });
    assert.equal((await sessions.update({ token, data: { name: 'Anna' } }))?.data.name, 'Anna');
    assert.equal((await sessions.refresh({ token }))?.version, 3);
    await sessions.create({ owner: 'ann', duration: 600 });
    assert.lengthOf(await sessions.list({ owner: 'ann' }), 2);
    assert.lengthOf(await sessions.list({ owner: 'ann', limit: 1 }), 1);
    assert.equal(await sessions.count({ owner: 'ann' }), 2);
    assert.equal(await sessions.count(), 2);
    const ofAnn = { owners: [{ owner: 'ann', count: 2 }], cursor: undefined };
    assert.deepEqual(await sessions.owners(), ofAnn);
    assert.equal(sessions.idOf({ token }), record.id);
    assert.isTrue(await sessions.delete({ token }));
    assert.equal(await sessions.deleteAll({ owner: 'ann' }), 1);

    const receipt = await sessions.enqueue('create', { owner: 'bob' });
    assert.match(receipt.token, /^shop_/);
    assert.equal((await sessions.result(receipt)).owner, 'bob');
    const again = await sessions.enqueue('get', { token: receipt.token }, { commandId: 'look' });
    assert.equal((await sessions.result(again, { timeout: 4_000 }))?.owner, 'bob');
    assert.equal((await sessions.get({ token: receipt.token }, { commandId: 'look' }))?.owner, 'bob');
  });

  it('refuse to enqueue what is no operation', async () => {
    const producer = stage.producer();
    for (const operation of ['revoke', 'constructor', '', undefined]) {
      const error = await rejection(producer.enqueue(operation as never, { ...SCOPE, token: 'x' } as never));
      assert.instanceOf(error, ValidationError, String(operation));
    }
    assert.lengthOf(await stage.waiting('commands'), 0);
  });

  it('have a result that is published before they know that they are sent, at once', async () => {
    const worker = await stage.startWorker();
    const way = stage.opened.add(await Way.open(stage.url));
    const producer = stage.producer({}, way.url);
    const create = { ...SCOPE, owner: 'ann', duration: 60 };
    await producer.create(create);
    let done = 0;
    worker.on('completed', () => done++);
    for (let round = 1; round <= 3; round++) {
      way.holdUnless('\r\nsubscribe\r\n'); // the answers to what is sent, but not the results
      const call = producer.create(create);
      await eventually('it is published', () => done === round);
      await wait(20); // to be heard
      way.release();
      const begun = performance.now();
      assert.equal((await call).owner, 'ann');
      assert.isBelow(performance.now() - begun, 500);
    }
  });

  it('work on a lane whose first job was cut off on its way, wherever that was', async () => {
    await stage.startWorker();
    const way = stage.opened.add(await Way.open(stage.url));
    for (let turn = 1; turn <= 6; turn++) {
      const producer = stage.producer({ timeout: 1_000 }, way.url);
      await producer.ready();
      let left = turn;
      way.onSent = () => {
        if (--left === 0) way.cut();
      };
      const first = producer.enqueue('get', { ...SCOPE, token: 'nobody' }).catch(() => {});
      await Promise.race([first, eventually('it is cut', () => left <= 0)]);
      way.onSent = () => {};
      await first;
      assert.isUndefined(await producer.get({ ...SCOPE, token: 'nobody' }), `cut at ${turn}`);
      assert.isFalse(await producer.delete({ ...SCOPE, token: 'nobody' }), `cut at ${turn}`);
      await producer.close();
    }
  });

  it('reject once the producer is closed', async () => {
    const producer = stage.producer();
    await producer.close();
    await producer.close();
    await producer[Symbol.asyncDispose]();
    for (const call of [
      () => producer.get({ ...SCOPE, token: 'x' }),
      () => producer.enqueue('get', { ...SCOPE, token: 'x' }),
      () => producer.result({ operation: 'get', commandId: 'x', jobId: 'x' }),
      () => producer.ready(),
    ]) {
      assert.equal((await rejection(call())).code, 'CLOSED');
    }
  });

  it('are finished by a close that comes while they are under way', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    const calls = Array.from({ length: 20 }, () => producer.create({ ...SCOPE, owner: 'ann', duration: 60 }));
    await producer.close();
    assert.lengthOf(await Promise.all(calls), 20);
  });
});
