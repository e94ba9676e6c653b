// What travels: jobs as any BullMQ program reads them, and results as any Redis client hears them.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { ConfigError, type WireCommand } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

const ID = /^[A-Za-z0-9_-]{22}$/;

describe('A job', () => {
  const stage = new Stage();

  it('holds what is documented for each operation, and no token', async () => {
    const producer = stage.producer();
    const secret = 'a-secret-of-mine';
    const on = { ...SCOPE, token: secret };
    const created = await producer.enqueue('create', {
      ...SCOPE,
      owner: 'ann',
      duration: 60,
      data: { a: [1, null], u: undefined },
    });
    const before = Date.now() * 1_000;
    await producer.enqueue('create', { ...SCOPE, owner: 'ann', duration: 0.5, customToken: secret });
    await producer.enqueue('get', on);
    await producer.enqueue('update', { ...on, data: { a: null } });
    await producer.enqueue('refresh', { ...on, duration: 5 });
    await producer.enqueue('list', { ...SCOPE, owner: 'ann' });
    const after = { id: created.id, expiresAt: 1_800_000_000_000 };
    await producer.enqueue('list', { ...SCOPE, owner: 'ann', limit: 5, after });
    await producer.enqueue('delete', on);
    await producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' });

    const id = producer.idOf(on);
    const data = {};
    const expected = [
      {
        op: 'create',
        ...SCOPE,
        id: created.id,
        owner: 'ann',
        data: { a: [1, null] },
        duration: 60,
        custom: false,
      },
      { op: 'create', ...SCOPE, id, owner: 'ann', data, duration: 0.5, custom: true },
      { op: 'get', ...SCOPE, id },
      { op: 'update', ...SCOPE, id, data: { a: null } },
      { op: 'refresh', ...SCOPE, id, duration: 5 },
      { op: 'list', ...SCOPE, owner: 'ann', limit: 1_000 },
      { op: 'list', ...SCOPE, owner: 'ann', limit: 5, after },
      { op: 'delete', ...SCOPE, id },
      { op: 'deleteAll', ...SCOPE, owner: 'ann' },
    ];
    const jobs = [...(await stage.waiting('commands')), ...(await stage.waiting('revocations'))];
    assert.lengthOf(jobs, expected.length);
    const sources = new Set<string>();
    const ids = new Set<string>();
    let last = 0;
    for (const [i, job] of jobs.entries()) {
      assert.equal(job.name, 'command');
      assert.match(String(job.id), /^j-[A-Za-z0-9_-]{22}$/);
      assert.sameMembers(Object.keys(job.data), ['v', 'replyTo', 'commands']);
      assert.equal(job.data.v, 1);
      assert.match(job.data.replyTo, new RegExp(`^${stage.prefix}:results:[A-Za-z0-9_-]{1,64}$`));
      sources.add(job.data.replyTo);
      const [{ commandId, issuedAt, ...fields }] = job.data.commands;
      assert.deepEqual(fields, expected[i]);
      assert.match(commandId, ID);
      ids.add(commandId);
      assert.isTrue(Number.isInteger(issuedAt));
      assert.approximately(issuedAt, before, 5_000_000);
      assert.isAbove(issuedAt, last, 'stamps rise');
      last = issuedAt;
    }
    assert.lengthOf([...sources], 1, 'one channel per producer');
    assert.lengthOf([...ids], expected.length);

    for (const key of await stage.redis.keys(`*${stage.prefix}*`)) {
      const kind = await stage.redis.type(key);
      const text = JSON.stringify(
        kind === 'hash'
          ? await stage.redis.hgetall(key)
          : kind === 'stream'
            ? await stage.redis.xrange(key, '-', '+')
            : [],
      );
      assert.notInclude(text, secret, key);
      assert.notInclude(text, created.token, key);
    }
  });

  it('goes to the queue of its operation, a revocation to one of its own', async () => {
    const producer = stage.producer();
    const token = { ...SCOPE, token: 'x' };
    await Promise.all([
      producer.enqueue('delete', token),
      producer.enqueue('get', token),
      producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' }),
    ]);
    const ops = async (lane: 'commands' | 'revocations') =>
      (await stage.waiting(lane)).map(({ data }) => data.commands.map(({ op }: WireCommand) => op));
    assert.deepEqual(await ops('commands'), [['get']]);
    assert.deepEqual(await ops('revocations'), [['delete', 'deleteAll']]);
  });

  it('carries all that is enqueued in one tick, in its order', async () => {
    const producer = stage.producer();
    await producer.ready();
    const tokens = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const receipts = await Promise.all(tokens.map((token) => producer.enqueue('get', { ...SCOPE, token })));
    await producer.enqueue('get', { ...SCOPE, token: 'later' });
    const [batch, single, ...others] = await stage.waiting('commands');
    assert.deepEqual([batch?.name, single?.name, others.length], ['batch', 'command', 0]);
    assert.deepEqual(
      batch?.data.commands.map(({ id }: WireCommand) => id),
      tokens.map((token) => producer.idOf({ ...SCOPE, token })),
    );
    assert.deepEqual(
      receipts.map(({ jobId, commandId }) => ({ jobId, commandId })),
      batch?.data.commands.map(({ commandId }: WireCommand) => ({ jobId: batch.id, commandId })),
    );
  });

  it('closes at 100 commands', async () => {
    const producer = stage.producer();
    await producer.ready();
    await Promise.all(
      Array.from({ length: 250 }, (_, i) => producer.enqueue('get', { ...SCOPE, token: `t${i}` })),
    );
    const jobs = await stage.waiting('commands');
    assert.sameOrderedMembers(
      jobs.map(({ data }) => data.commands.length),
      [100, 100, 50],
    );
    assert.deepEqual(
      jobs.flatMap(({ data }) => data.commands.map(({ id }: WireCommand) => id)),
      Array.from({ length: 250 }, (_, i) => producer.idOf({ ...SCOPE, token: `t${i}` })),
    );
  });

  it('is waited for by one look, however many wait for something of it', async () => {
    const producer = stage.producer();
    await producer.ready();
    const owners = Array.from({ length: 300 }, (_, i) => `owner-${i}`);
    const all = Promise.all(owners.map((owner) => producer.create({ ...SCOPE, owner, duration: 60 })));
    const looks = async () => {
      const stats = await stage.redis.info('commandstats');
      const calls = ['hmget', 'hgetall'].map(
        (name) => new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0,
      );
      return calls.reduce<number>((sum, count) => sum + Number(count), 0);
    };
    await eventually('it is enqueued', async () => (await stage.waiting('commands')).length === 3);
    const before = await looks();
    await eventually('they look', async () => (await looks()) > before);
    await wait(1_500);
    assert.isBelow((await looks()) - before, 100);
    await stage.startWorker();
    assert.lengthOf(await all, owners.length);
  });

  it('of revocations closes with those of its tick', async () => {
    const producer = stage.producer({ batch: { window: 1_000 } });
    await producer.ready();
    const begun = performance.now();
    await producer.enqueue('deleteAll', { ...SCOPE, owner: 'ann' });
    assert.isBelow(performance.now() - begun, 500);
  });

  it('closes at as many as it may carry, and waits for as long as it is told', async () => {
    const producer = stage.producer({ batch: { max: 3, window: 300 } });
    await producer.ready();
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        await wait(i * 20);
        await producer.enqueue('get', { ...SCOPE, token: `t${i}` });
      }),
    );
    assert.isAbove(performance.now() - begun, 300);
    const jobs = await stage.waiting('commands');
    assert.sameOrderedMembers(
      jobs.map(({ data }) => data.commands.length),
      [3, 1],
    );
  });

  it('is refused as an option that is none', () => {
    for (const batch of [{ max: 0 }, { max: 101 }, { window: -1 }, { window: 1_001 }, { size: 1 }, 7]) {
      assert.throws(() => stage.producer({ batch } as never), ConfigError);
    }
  });

  it('closes at a mebibyte, whatever the characters', async () => {
    const producer = stage.producer();
    await producer.ready();
    const data = { text: 'é'.repeat(30_000) };
    await Promise.all(
      Array.from({ length: 40 }, () => producer.enqueue('update', { ...SCOPE, token: 'x', data })),
    );
    const jobs = await stage.waiting('commands');
    assert.equal(
      jobs.reduce((sum, job) => sum + job.data.commands.length, 0),
      40,
    );
    for (const { data } of jobs) assert.isAtMost(Buffer.byteLength(JSON.stringify(data)), 1_048_576 + 2_000);
    assert.isAtMost(jobs.length, 3);
    assert.isAbove(jobs[0]?.data.commands.length, 10);
  });

  it('of a caller’s own commandId carries that command alone', async () => {
    const producer = stage.producer();
    await producer.ready();
    await Promise.all([
      producer.enqueue('get', { ...SCOPE, token: 'a' }),
      producer.enqueue('get', { ...SCOPE, token: 'b' }, { commandId: 'mine' }),
      producer.enqueue('get', { ...SCOPE, token: 'c' }),
    ]);
    const jobs = await stage.waiting('commands');
    assert.sameMembers(
      jobs.map(({ data }) => data.commands.length),
      [1, 2],
    );
    assert.equal(jobs.find(({ id }) => id === 'c-mine')?.data.commands[0].commandId, 'mine');
  });

  it('applies the commands of one token in their order', async () => {
    const producer = stage.producer();
    await producer.ready();
    const token = 'mine';
    const receipts = await Promise.all([
      producer.enqueue('create', { ...SCOPE, owner: 'ann', duration: 60, customToken: token }),
      ...Array.from({ length: 50 }, (_, i) =>
        producer.enqueue('update', { ...SCOPE, token, data: { last: i, [`k${i}`]: i } }),
      ),
      producer.enqueue('refresh', { ...SCOPE, token, duration: 600 }),
      producer.enqueue('get', { ...SCOPE, token }),
    ]);
    await stage.startWorker();
    const versions = [];
    for (const receipt of receipts) {
      versions.push(((await producer.result(receipt)) as { version: number } | undefined)?.version);
    }
    assert.deepEqual(versions, [...Array.from({ length: 52 }, (_, i) => i + 1), 52]);
    assert.equal((await producer.get({ ...SCOPE, token }))?.data.last, 49);
  });

  it('of a revocation is run while other work keeps every place of its own lane', async () => {
    const worker = await stage.startWorker({ concurrency: 1 });
    const producer = stage.producer();
    await producer.create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' });
    const done: string[] = [];
    worker.on('completed', ({ lane }) => done.push(lane));
    const work = [];
    for (let i = 0; i < 50; i++) {
      work.push(producer.enqueue('list', { ...SCOPE, owner: 'ann' }));
      await work[i];
    }
    const slow = Promise.all((await Promise.all(work)).map((receipt) => producer.result(receipt)));
    assert.isTrue(await producer.delete({ ...SCOPE, token: 'mine' }));
    await slow;
    assert.lengthOf(await stage.queue('revocations').getJobs(['completed']), 1);
  });
});

describe('A result', () => {
  const stage = new Stage();

  it('is published on the channel that the job names, and kept as what the job returned', async () => {
    const heard = await stage.listen();
    await stage.startWorker();
    const producer = stage.producer();
    await producer.ready();
    const input = { ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine', data: { a: 1 } };
    const receipts = await Promise.all([
      producer.enqueue('create', input),
      producer.enqueue('create', input),
      producer.enqueue('update', { ...SCOPE, token: 'mine', data: { x: 'y'.repeat(65_525) } }),
      producer.enqueue('get', { ...SCOPE, token: 'nobody' }),
    ]);
    const record = await producer.result(receipts[0] as (typeof receipts)[0]);
    const job = await stage.queue('commands').getJob(receipts[0]?.jobId as string);
    const commands = await eventually('the result is heard', () => heard[0]);
    assert.lengthOf(heard, 1);
    const [channel, message] = commands;
    assert.equal(channel, job?.data.replyTo);
    const base = (i: number, op: string) => ({ commandId: receipts[i]?.commandId, op });
    assert.deepEqual(message as unknown, {
      v: 1,
      jobId: job?.id,
      results: [
        { ...base(0, 'create'), status: 'completed', value: record },
        {
          ...base(1, 'create'),
          status: 'failed',
          error: { code: 'TOKEN_EXISTS', message: 'this token exists already' },
        },
        {
          ...base(2, 'update'),
          status: 'failed',
          error: {
            code: 'VALIDATION',
            message: message.results[2]?.error?.message,
            details: {
              fields: [{ field: 'data', problem: 'must be at most 65536 bytes as JSON, got 65539' }],
            },
          },
        },
        { ...base(3, 'get'), status: 'completed' },
      ],
    });
    assert.deepEqual(job?.returnvalue, message);
    assert.notInclude(JSON.stringify(heard), 'mine');
  });

  it('of a job without replyTo is kept, and published nowhere', async () => {
    const heard = await stage.listen(`*${stage.prefix}:results*`);
    await stage.startWorker();
    const id = 'x'.repeat(22);
    const command = { commandId: 'x', op: 'get', issuedAt: Date.now() * 1_000, ...SCOPE, id };
    const results = await stage.run('commands', { v: 1, replyTo: null, commands: [command] });
    assert.deepEqual(results, [{ commandId: 'x', op: 'get', status: 'completed' }]);
    await stage.redis.ping();
    assert.deepEqual(heard, []);
  });

  it('is published once the job is over', async () => {
    const queue = stage.queue('commands');
    const states: Promise<string>[] = [];
    const listener = stage.client();
    listener.on('pmessage', (_, __, text) => states.push(queue.getJobState(JSON.parse(text).jobId)));
    await listener.psubscribe(`${stage.prefix}:results:*`);
    await stage.startWorker();
    const producer = stage.producer();
    for (let i = 0; i < 10; i++) await producer.get({ ...SCOPE, token: 'x' });
    await eventually('all results are heard', () => states.length === 10);
    assert.deepEqual([...new Set(await Promise.all(states))], ['completed']);
  });

  it('is found where its message was lost', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    await producer.get({ ...SCOPE, token: 'x' });
    const receipt = await producer.enqueue('get', { ...SCOPE, token: 'x' });
    await eventually(
      'it is over',
      async () => (await stage.queue('commands').getJob(receipt.jobId))?.finishedOn,
    );
    assert.isUndefined(await producer.result(receipt, { timeout: 1_000 }));
  });

  it('is copied into a stream that stays short', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    for (let round = 0; round < 6; round++) {
      const jobs = [];
      for (let i = 0; i < 100; i++) {
        jobs.push(producer.enqueue('get', { ...SCOPE, token: 'x' }, { commandId: `c${round}-${i}` }));
      }
      const receipts = await Promise.all(jobs);
      await Promise.all(receipts.map((receipt) => producer.result(receipt)));
    }
    // 600 jobs add some 2,400 entries; Redis trims whole nodes of 100.
    assert.isBelow(await stage.redis.xlen(`{${stage.prefix}}:commands:events`), 300);
  });

  it('in a form that nobody can read harms nobody', async () => {
    await stage.startWorker();
    const producer = stage.producer();
    await producer.get({ ...SCOPE, token: 'x' });
    const [channel] = (await stage.redis.pubsub('CHANNELS', `${stage.prefix}:results:*`)) as string[];
    for (const junk of ['', '{', 'null', '7', '{}', '{"results":7}', '{"jobId":"x","results":[null]}']) {
      assert.equal(await stage.redis.publish(String(channel), junk), 1);
    }
    assert.isUndefined(await producer.get({ ...SCOPE, token: 'x' }));
  });
});
