// Jobs of programs that are not ours: any BullMQ producer may write one, and nothing of it is trusted.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import fc from 'fast-check';
import { type TokenError, ValidationError } from '../../src/index.js';
import type { Lane } from '../../src/queue/lanes.js';
import { parseJob } from '../../src/queue/wire.js';
import { ownerShard, tokenId } from '../../src/tokens/identity.js';
import { encodeOwnerCursor } from '../../src/tokens/owner-cursor.js';
import { eventually, rejection } from '../support/eventually.js';
import { SCOPE, Stage, stamp } from './stage.js';

const newId = () => randomBytes(18).toString('base64url').slice(0, 22);

const create = (fields: object = {}) => ({
  commandId: newId(),
  op: 'create',
  issuedAt: stamp(),
  ...SCOPE,
  id: newId(),
  owner: 'ann',
  data: {},
  duration: 60,
  ...fields,
});

const jobOf = (...commands: unknown[]) => ({ v: 1, replyTo: null, commands });

describe('A job of another program', () => {
  const stage = new Stage();

  it('is run with the documented fields alone, from creation to revocation', async () => {
    await stage.startWorker();
    const id = tokenId(SCOPE.app, SCOPE.type, 'made-elsewhere');
    const on = { ...SCOPE, id };
    let count = 0;
    const run = async (lane: Lane, fields: object) => {
      const job = jobOf({ commandId: `c${count}`, issuedAt: stamp(), ...fields });
      const [result] = await stage.run(lane, job, `job-${count++}`);
      assert.equal(result?.status, 'completed', JSON.stringify(result));
      return result?.value;
    };
    const made = await run('commands', { op: 'create', ...on, owner: 'ann', data: { a: 1 }, duration: 60 });
    assert.deepInclude(made as object, { ...on, owner: 'ann', version: 1, data: { a: 1 } });
    const token = await stage.producer().get({ ...SCOPE, token: 'made-elsewhere' });
    assert.deepInclude(token as object, { ...(made as object), token: 'made-elsewhere' });
    assert.deepEqual(await run('commands', { op: 'get', ...on }), made);
    const updated = await run('commands', { op: 'update', ...on, data: { a: null, b: 2 } });
    assert.deepInclude(updated as object, { version: 2, data: { b: 2 } });
    assert.deepInclude((await run('commands', { op: 'refresh', ...on, duration: 90 })) as object, {
      version: 3,
    });
    assert.lengthOf((await run('commands', { op: 'list', ...SCOPE, owner: 'ann' })) as [], 1);
    assert.equal(await run('commands', { op: 'count', ...SCOPE }), 1);
    assert.equal(await run('commands', { op: 'count', ...SCOPE, owner: 'bob' }), 0);
    const owners = [{ owner: 'ann', count: 1 }];
    assert.deepEqual(await run('commands', { op: 'owners', ...SCOPE }), { owners });
    assert.isTrue(await run('revocations', { op: 'delete', ...on }));
    assert.equal(await run('revocations', { op: 'deleteAll', ...SCOPE, owner: 'ann' }), 0);
  });

  it('may limit what an owner has, update one version, and give a token an idle time', async () => {
    await stage.startWorker();
    const [first, second] = [newId(), newId()];
    const limit = { max: 1 };
    const results = await stage.run(
      'commands',
      jobOf(
        create({ id: first, custom: false, idle: 5, limit }),
        {
          commandId: 'v',
          op: 'update',
          issuedAt: stamp(),
          ...SCOPE,
          id: first,
          data: { a: 1 },
          ifVersion: 2,
        },
        { commandId: 'g', op: 'get', issuedAt: stamp(), ...SCOPE, id: first, touch: false },
      ),
    );
    assert.deepInclude(results[0]?.value, { idle: 5, version: 1 });
    assert.deepInclude(results[1]?.error, { code: 'VERSION_CONFLICT', details: { currentVersion: 1 } });
    assert.deepEqual(results[2]?.value, results[0]?.value);
    const more = await stage.run(
      'commands',
      jobOf(create({ limit }), create({ id: second, limit: { max: 1, overflow: 'end-oldest' } })),
      'job-2',
    );
    const codes = more.map(({ error }) => error?.code).sort();
    assert.deepEqual(codes, ['LIMIT_EXCEEDED', undefined]);
    assert.equal(await stage.redis.exists(`{${stage.prefix}:0}:t:${first}`), 0);
  });

  it('is refused a limit with a custom token, or in another shard than its owner’s, where there are several', async () => {
    await stage.startWorker({ shards: 4 });
    const limit = { max: 5 };
    const home = ownerShard(SCOPE.app, SCOPE.type, 'ann', 4);
    const idIn = (shard: number) => `A${'ABCD'[shard]}${newId().slice(2)}`;
    const results = await stage.run(
      'commands',
      jobOf(
        create({ id: idIn(home), custom: false, limit }),
        create({ id: idIn((home + 1) % 4), custom: false, limit }),
        create({ id: idIn(home), limit }),
      ),
    );
    assert.deepEqual(
      results.map(({ error }) => error?.details?.fields?.map(({ field }) => field)),
      [undefined, ['limit'], ['limit']],
    );
  });

  it('may send its stamp as digits, and leave out replyTo', async () => {
    await stage.startWorker();
    const command = create({ issuedAt: String(stamp()) });
    const [result] = await stage.run('commands', { v: 1, commands: [command] });
    assert.equal(result?.status, 'completed');
    const value = result?.value as { createdAt: number };
    assert.approximately(value.createdAt, Number(command.issuedAt) / 1_000, 2);
  });

  it('is answered where it asks to be', async () => {
    const heard = await stage.listen();
    await stage.startWorker();
    for (const source of ['x', 'A-Z_09', 'x'.repeat(64)]) {
      const replyTo = `${stage.prefix}:results:${source}`;
      await stage.run('commands', { v: 1, replyTo, commands: [create()] }, `j-${source}`);
      await eventually('it is heard', () => heard.length === 1);
      const [[channel, message]] = heard.splice(0) as [(typeof heard)[0]];
      assert.equal(channel, replyTo);
      assert.equal(message.jobId, `j-${source}`);
    }
  });

  it('creates a token as a custom one where it does not say otherwise', async () => {
    await stage.startWorker();
    const id = newId();
    const again = create({ id, issuedAt: stamp() + 1 });
    const [first, second] = await stage.run('commands', jobOf(create({ id }), again));
    assert.equal(first?.status, 'completed');
    assert.equal(second?.error?.code, 'TOKEN_EXISTS');
    const [third] = await stage.run('commands', jobOf(create({ id, custom: false })), 'j-2');
    assert.equal(third?.status, 'completed', 'a generated one that exists is this create, sent again');
  });

  it('fails a wrong command alone, with what is wrong, and not the others of its batch', async () => {
    await stage.startWorker();
    const wrong: [field: string, command: object][] = [
      ['op', create({ op: 'delete' })],
      ['op', create({ op: 'deleteAll' })],
      ['op', create({ op: 'eval' })],
      ['op', create({ op: 'constructor' })],
      ['op', create({ op: '__proto__' })],
      ['op', create({ op: 7 })],
      ['op', create({ op: undefined })],
      ['op', create({ op: ['get'] })],
      ['token', create({ token: 'a secret has no place here' })],
      ['until', create({ until: 7 })],
      ['id', create({ id: 'short' })],
      ['id', create({ id: 'x'.repeat(23) })],
      ['id', create({ id: `${'x'.repeat(21)}*` })],
      ['id', create({ id: `${'x'.repeat(21)}\n` })],
      ['id', create({ id: 7 })],
      ['id', create({ id: undefined })],
      ['app', create({ app: '' })],
      ['app', create({ app: 'a\0b' })],
      ['type', create({ type: 'x'.repeat(257) })],
      ['owner', create({ owner: null })],
      ['data', create({ data: [] })],
      ['data', create({ data: 'text' })],
      ['data', create({ data: undefined })],
      ['data', create({ data: { x: 'y'.repeat(65_536) } })],
      ['duration', create({ duration: 0 })],
      ['duration', create({ duration: '60' })],
      ['duration', create({ duration: 1e10 })],
      ['custom', create({ custom: 1 })],
      ['idle', create({ idle: 0 })],
      ['idle', create({ idle: '60' })],
      ['hint', create({ hint: true })],
      ['label', create({ label: '' })],
      ['limit', create({ limit: 5 })],
      ['limit', create({ limit: { max: 0 } })],
      ['limit', create({ limit: { max: 5, overflow: 'x' } })],
      ['limit', create({ limit: { max: 5, more: 1 } })],
      ['touch', create({ touch: false })],
      ['touch', { ...create(), op: 'get', owner: undefined, data: undefined, duration: undefined, touch: 0 }],
      ['ifVersion', { ...create(), op: 'update', owner: undefined, duration: undefined, ifVersion: 0 }],
      [
        'cursor',
        {
          ...create(),
          op: 'owners',
          id: undefined,
          owner: undefined,
          data: undefined,
          duration: undefined,
          cursor: 'x',
        },
      ],
      ['owner', { ...create(), op: 'count', id: undefined, data: undefined, duration: undefined, owner: '' }],
      ['op', create({ op: 'touch' })],
      ['issuedAt', create({ issuedAt: undefined })],
      ['issuedAt', create({ issuedAt: Date.now() })],
      ['issuedAt', create({ issuedAt: -1 })],
      ['issuedAt', create({ issuedAt: 'now' })],
      ['issuedAt', create({ issuedAt: '1'.repeat(17) })],
      ['issuedAt', create({ issuedAt: stamp() + 60_000_000 })],
      ['limit', { ...create(), op: 'list', id: undefined, data: undefined, duration: undefined, limit: 0 }],
      ['after', { ...create(), op: 'list', id: undefined, data: undefined, duration: undefined, after: 'x' }],
    ];
    const good = wrong.map(() => create());
    const results = await stage.run(
      'commands',
      jobOf(...wrong.flatMap(([, command], i) => [command, good[i]])),
    );
    assert.lengthOf(results, 2 * wrong.length);
    for (const [i, [field, command]] of wrong.entries()) {
      const what = `${field}: ${JSON.stringify(command).slice(0, 200)}`;
      const [bad, well] = [results[2 * i], results[2 * i + 1]];
      assert.equal(bad?.status, 'failed', what);
      assert.equal(bad?.error?.code, 'VALIDATION', what);
      assert.deepEqual(
        bad?.error?.details?.fields?.map((problem) => problem.field),
        [field],
        what,
      );
      assert.equal(well?.status, 'completed', what);
      assert.equal(well?.commandId, good[i]?.commandId);
    }
    assert.equal(await stage.redis.zcard(`{${stage.prefix}:0}:o:shop:session:ann`), good.length);
  });

  it('fails a read that Redis can not answer alone, and not the others of its batch', async () => {
    await stage.startWorker();
    const [broken, id] = ['A'.repeat(22), 'B'.repeat(22)];
    await stage.redis.set(`{${stage.prefix}:0}:t:${broken}`, '["shop","session","ann');
    await stage.redis.set(`{${stage.prefix}:0}:s:shop:broken`, 'no index');
    const commands = [
      { op: 'get', id: broken },
      { op: 'count', type: 'broken' },
      { op: 'owners', type: 'broken' },
      { op: 'owners', cursor: encodeOwnerCursor({ shard: 0, from: '9'.repeat(20) }) },
      { op: 'create', id, owner: 'ann', data: {}, duration: 60 },
    ].map((command, i) => ({ commandId: `c${i}`, issuedAt: stamp(), ...SCOPE, ...command }));
    const results = await stage.run('commands', { v: 1, replyTo: null, commands } as never, 'batch');
    const failed = 'COMMAND_FAILED';
    assert.deepEqual(
      results.map(({ error }) => error?.code),
      [failed, failed, failed, 'VALIDATION', undefined],
    );
  });

  it('fails a command that is too old, but not a revocation', async () => {
    await stage.startWorker();
    const old = stamp() - 16 * 60_000_000;
    const [made, found] = await stage.run(
      'commands',
      jobOf(create({ issuedAt: old }), { commandId: 'g', op: 'get', issuedAt: old, ...SCOPE, id: newId() }),
    );
    assert.equal(made?.error?.code, 'COMMAND_EXPIRED');
    assert.equal(found?.status, 'completed');
    const revocation = { commandId: 'd', op: 'delete', issuedAt: old, ...SCOPE, id: newId() };
    const [gone] = await stage.run('revocations', jobOf(revocation), 'j-2');
    assert.equal(gone?.status, 'completed');
  });

  it('whose commands can not be told apart fails as a whole, at once, and says why', async () => {
    const worker = await stage.startWorker();
    const failures: string[] = [];
    worker.on('failed', ({ id }) => failures.push(id));
    const queue = stage.queue('commands');
    const twice = create();
    const wrong: Record<string, unknown> = {
      'no-version': { replyTo: null, commands: [create()] },
      'version-2': { v: 2, replyTo: null, commands: [create()] },
      'version-text': { v: '1', replyTo: null, commands: [create()] },
      empty: jobOf(),
      none: { v: 1, replyTo: null },
      'no-array': { v: 1, replyTo: null, commands: { 0: create() } },
      'too-many': jobOf(...Array.from({ length: 101 }, () => create())),
      twice: jobOf(twice, create(), { ...create(), commandId: twice.commandId }),
      'command-null': jobOf(create(), null),
      'command-text': jobOf('x'),
      'command-array': jobOf([create()]),
      'no-id': jobOf(create({ commandId: undefined })),
      'id-empty': jobOf(create({ commandId: '' })),
      'id-colon': jobOf(create({ commandId: 'a:b' })),
      'id-long': jobOf(create({ commandId: 'x'.repeat(129) })),
      'id-number': jobOf(create({ commandId: 7 })),
      null: null,
      text: 'text',
      number: 7,
      array: [jobOf(create())],
      object: {},
    };
    for (const [jobId, data] of Object.entries(wrong)) {
      await queue.add('command', data, { jobId, attempts: 5, backoff: { type: 'fixed', delay: 60_000 } });
    }
    const names = Object.keys(wrong);
    await eventually('all have failed', () => failures.length === names.length);
    assert.sameMembers(failures, names);
    assert.equal(await queue.getFailedCount(), names.length, 'each is kept');
    for (const job of await queue.getFailed()) {
      assert.equal(job.attemptsMade, 1);
      assert.match(String(job.failedReason), /^job: (v|commands|replyTo)/, String(job.id));
    }
    assert.isNull(await stage.redis.get(`{${stage.prefix}:0}:t:${twice.id}`));
    const [after] = await stage.run('commands', jobOf(create()), 'a-good-one');
    assert.equal(after?.status, 'completed', 'the worker goes on');
  });

  it('takes up to 100 commands', async () => {
    await stage.startWorker();
    const results = await stage.run('commands', jobOf(...Array.from({ length: 100 }, () => create())));
    assert.deepEqual([...new Set(results.map(({ status }) => status))], ['completed']);
    assert.lengthOf(results, 100);
  });

  it('can not have anything published on a channel that is none of results', async () => {
    const heard = await stage.listen('*');
    const worker = await stage.startWorker();
    const failures: string[] = [];
    worker.on('failed', ({ id }) => failures.push(id));
    const { prefix } = stage;
    const wrong = [
      `${prefix}:events:token-revoked:shop:session`,
      `${prefix}:results:`,
      `${prefix}:results:${'x'.repeat(65)}`,
      `${prefix}:rezults:a`,
      `${prefix}:results:a:b`,
      `${prefix}:results:a\n`,
      `${prefix}:results:*`,
      `x${prefix}:results:a`,
      'rt:results:a',
      '',
      7,
      true,
      [`${prefix}:results:a`],
      { toString: 'x' },
    ];
    for (const [i, replyTo] of wrong.entries()) {
      await stage
        .queue('commands')
        .add('command', { v: 1, replyTo, commands: [create()] }, { jobId: `j-${i}` });
    }
    await eventually('all have failed', () => failures.length === wrong.length);
    await stage.redis.ping();
    assert.deepEqual(
      heard.filter(([channel]) => channel.includes(prefix)),
      [],
    );
    assert.isNull(await stage.redis.get(`{${prefix}:0}:o:shop:session:ann`));
  });

  it('that failed as a whole is answered for each command that can be told, to the right channel', async () => {
    const heard = await stage.listen();
    await stage.startWorker();
    const replyTo = `${stage.prefix}:results:me`;
    const commands = [create({ commandId: 'a' }), create({ commandId: 'b' }), create({ commandId: 'b:c' })];
    await stage.queue('commands').add('command', { v: 2, replyTo, commands }, { jobId: 'j-1' });
    const [channel, { results, jobId }] = await eventually('it is heard', () => heard[0]);
    assert.equal(channel, replyTo);
    assert.equal(jobId, 'j-1');
    assert.deepEqual(
      results.map(({ commandId, status, error }) => [commandId, status, error?.code]),
      [
        ['a', 'failed', 'COMMAND_FAILED'],
        ['b', 'failed', 'COMMAND_FAILED'],
      ],
    );
    const receipt = { operation: 'create', commandId: 'a', jobId: 'j-1' } as const;
    const error = await rejection<TokenError>(stage.producer().result(receipt));
    assert.equal(error.code, 'COMMAND_FAILED');
    assert.match(error.message, /v must be 1/);
  });

  it('that failed as a whole is answered though what it calls an operation can not be made text', async () => {
    const heard = await stage.listen();
    const worker = await stage.startWorker();
    const errors: Error[] = [];
    worker.on('error', (error) => errors.push(error));
    const replyTo = `${stage.prefix}:results:me`;
    const commands = [
      { commandId: 'a', op: { toString: 1, valueOf: 1 } },
      { commandId: 'b', op: ['x'] },
    ];
    await stage.queue('commands').add('command', { v: 2, replyTo, commands }, { jobId: 'j-1' });
    const [, { results }] = await eventually('it is heard', () => heard[0]);
    assert.deepEqual(
      results.map(({ commandId, op, status }) => [commandId, op, status]),
      [
        ['a', '', 'failed'],
        ['b', '', 'failed'],
      ],
    );
    const [after] = await stage.run('commands', jobOf(create()), 'a-good-one');
    assert.equal(after?.status, 'completed', 'the worker goes on');
    assert.deepEqual(errors, []);
  });
});

describe('Reading a job', () => {
  const rules = { lane: 'commands', resultsPrefix: 'rt:results:', maxDataBytes: 65_536 } as const;

  it('ends in commands or in a ValidationError, whatever the job holds', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom(null, undefined, '__proto__', Number.NaN));
    const command = fc.record(
      {
        commandId: fc.oneof(fc.constantFrom('a', 'b', 'c'), junk),
        op: fc.oneof(fc.constantFrom('create', 'get', 'update', 'refresh', 'list', 'delete'), junk),
        issuedAt: fc.oneof(fc.constant(1.8e15), junk),
        app: fc.oneof(fc.constant('shop'), junk),
        type: fc.oneof(fc.constant('session'), junk),
        id: fc.oneof(fc.constant('x'.repeat(22)), junk),
        data: junk,
        duration: junk,
        limit: junk,
        after: junk,
        ['__proto__']: junk,
        constructor: junk,
      },
      { requiredKeys: ['commandId', 'op'] },
    );
    const job = fc.oneof(
      junk,
      fc.record({
        v: fc.oneof(fc.constant(1), junk),
        replyTo: fc.oneof(fc.constantFrom(null, 'rt:results:x'), junk),
        commands: fc.oneof(fc.array(fc.oneof(command, junk), { maxLength: 4 }), junk),
      }),
      fc.record({
        v: fc.constant(1),
        commands: fc.uniqueArray(command, { maxLength: 3, minLength: 1, selector: (one) => one.commandId }),
      }),
    );
    let read = 0;
    fc.assert(
      fc.property(job, (data) => {
        try {
          const { commands } = parseJob(data, rules);
          read++;
          for (const { command } of commands) {
            if (!(command instanceof ValidationError)) assert.equal(command.app, 'shop');
          }
        } catch (error) {
          if (!(error instanceof ValidationError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
    assert.isAbove(read, 20, 'some are read');
  });
});
