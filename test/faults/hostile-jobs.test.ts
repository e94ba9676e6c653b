// Whatever a program writes onto the queues, the worker answers it or puts it aside, goes on, and changes nothing it should not.
import type { Job, Queue } from 'bullmq';
import { assert } from 'chai';
import fc from 'fast-check';
import { resultsOf } from '../../src/queue/answers.js';
import { LANES, type Lane } from '../../src/queue/lanes.js';
import { SCOPE, Stage, stamp } from '../queue/stage.js';
import { seeded } from '../support/chance.js';
import { eventually } from '../support/eventually.js';

const RUNS = Number(process.env.FAST_CHECK_RUNS ?? 150);
const JOBS = 12; // of a run, side by side

/** Tokens that nobody may touch: every command that names one names it in a scope that it is not in. */
const VICTIMS = Array.from({ length: 8 }, (_, i) => `victim${i}`.padEnd(22, 'v'));
const OTHERS = Array.from({ length: 8 }, (_, i) => `other${i}`.padEnd(22, 'o'));
const NONCE = 'n'.repeat(22);
/** Where hostile jobs may do as they like. */
const THEIRS = { app: 'theirs', type: 'session' };

const command = fc.record(
  {
    commandId: fc.oneof(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.constantFrom('__proto__', 'x'.repeat(129), '', 'a:b'),
    ),
    op: fc.constantFrom(
      'create',
      'get',
      'update',
      'refresh',
      'delete',
      'deleteAll',
      'list',
      'toString',
      'consume',
      'getById',
      'deleteById',
      'deleteScope',
      'deleteApp',
      'rotate',
      'touch',
      'count',
      'owners',
    ),
    issuedAt: fc.oneof(
      fc.constant(0).map(() => stamp()),
      fc.constantFrom(0, -1, 1e300, Number.MAX_SAFE_INTEGER, '17', 'NaN', 1.5, Date.now()),
    ),
    app: fc.constantFrom(THEIRS.app, THEIRS.app, THEIRS.app, 'shop:session', '*', ''),
    type: fc.constantFrom('session', 'session', 'session', 'sess*', '\0'),
    owner: fc.oneof(fc.constantFrom('ann', '*', 'ann:*', '{rt:0}'), fc.string()),
    id: fc.oneof(fc.constantFrom(...VICTIMS), fc.constantFrom(...OTHERS), fc.string()),
    data: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
    duration: fc.oneof(fc.constantFrom(60, 0.0004, 0, -1, 1e12, null), fc.double()),
    custom: fc.oneof(fc.boolean(), fc.string()),
    limit: fc.oneof(
      fc.nat(),
      fc.string(),
      fc.record({ max: fc.integer(), overflow: fc.constantFrom('reject', 'end-oldest', 'none') }),
    ),
    successor: fc.oneof(fc.constantFrom(...VICTIMS), fc.constantFrom(...OTHERS), fc.string()),
    nonce: fc.oneof(fc.constant(NONCE), fc.string()),
    grace: fc.oneof(fc.constantFrom(0, 300, 301, -1, 0.5), fc.double()),
    idle: fc.oneof(fc.constantFrom(1, 0, -1, null), fc.double()),
    hint: fc.oneof(fc.constantFrom('rt_…abcd', '"', '}'), fc.string(), fc.boolean()),
    label: fc.oneof(fc.constantFrom('","idle":1', '}'), fc.string(), fc.nat()),
    ifVersion: fc.oneof(fc.integer(), fc.string()),
    except: fc.oneof(fc.constantFrom(...VICTIMS), fc.constantFrom(...OTHERS), fc.string()),
    reason: fc.oneof(fc.constantFrom('logout', '', 'x'.repeat(65)), fc.string(), fc.nat()),
    by: fc.oneof(fc.constantFrom('user', 'nobody', '__proto__'), fc.boolean()),
    cursor: fc.oneof(fc.string(), fc.base64String()),
    after: fc.oneof(fc.record({ id: fc.string(), expiresAt: fc.double() }), fc.jsonValue()),
  },
  { requiredKeys: [] },
);

/** What a well-meaning program sends: what mutates it may leave most of it right. */
const sound = fc
  .record({
    id: fc.constantFrom(...OTHERS),
    op: fc.constantFrom('create', 'create', 'update', 'refresh', 'rotate', 'consume', 'delete', 'get'),
    successor: fc.constantFrom(...OTHERS),
    commandId: fc.stringMatching(/^[a-z]{1,8}$/),
  })
  .map(({ id, op, commandId, successor }) => ({
    ...{ commandId, op, issuedAt: stamp(), ...THEIRS, id },
    ...(op === 'create' ? { owner: 'ann', data: { a: 1 }, duration: 60 } : {}),
    ...(op === 'update' ? { data: { a: null, b: [{}] } } : {}),
    ...(op === 'refresh' ? { duration: 60 } : {}),
    ...(op === 'rotate' ? { successor, nonce: NONCE, grace: 1 } : {}),
  }));

const mutated = fc.tuple(sound, command).map(([base, wrong]) => {
  const [field] = Object.keys(wrong);
  return field === undefined ? base : { ...base, [field]: (wrong as Record<string, unknown>)[field] };
});

const commands = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.uniqueArray(fc.oneof(sound, mutated), {
      ...{ minLength: 1, maxLength: 6 },
      selector: ({ commandId }) => String(commandId),
    }),
  },
  { weight: 1, arbitrary: fc.array(fc.oneof(sound, command, fc.jsonValue()), { maxLength: 6 }) },
);

/** @param prefix of the deployment, whose channels of events a job may try to have something published on. */
const jobData = (prefix: string) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<unknown> },
    {
      weight: 8,
      arbitrary: fc.record(
        {
          v: fc.constantFrom(1, 1, 1, 1, 2, '1', null),
          replyTo: fc.constantFrom(
            null,
            `${prefix}:results:me`,
            `${prefix}:events:token-revoked:shop:session`,
            `${prefix}:results:`,
            'other:results:me',
            `${prefix}:results:${'x'.repeat(65)}`,
          ),
          commands: fc.oneof({ weight: 6, arbitrary: commands }, { weight: 1, arbitrary: fc.jsonValue() }),
        },
        { requiredKeys: ['v', 'commands'] },
      ) as fc.Arbitrary<unknown>,
    },
  );

describe('Hostile jobs', function () {
  this.timeout(120_000);
  const stage = new Stage();

  it('are answered or put aside, and change nothing that they should not', async () => {
    const errors: Error[] = [];
    const worker = stage.worker();
    worker.on('error', (error) => errors.push(error));
    await worker.start();
    const producer = stage.producer();
    await Promise.all(VICTIMS.map((id) => stage.run('commands', createOf(id), `make-${id}`)));
    const before = await victims();
    const published = await listenTo(`${stage.prefix}*`);

    let count = 0;
    const met = { completed: 0, failed: 0, aside: 0 };
    const queues = { commands: stage.queue('commands'), revocations: stage.queue('revocations') };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...LANES), jobData(stage.prefix)), {
          minLength: 1,
          maxLength: JOBS,
        }),
        async (jobs) => {
          published.length = 0;
          const names: [Lane, string][] = [];
          for (const [lane, data] of jobs) {
            const id = `hostile-${count++}`;
            await queues[lane].add('command', data, { jobId: id });
            names.push([lane, id]);
          }
          for (const [i, [lane, id]] of names.entries()) {
            const job = await over(queues[lane], id);
            check(job, jobs[i]?.[1]);
            if (job.failedReason) met.aside++;
            else for (const { status } of resultsOf(job) ?? []) met[status]++;
          }
          assert.deepEqual(await victims(), before);
          for (const channel of published) {
            assert.match(
              channel,
              new RegExp(`^${stage.prefix}:(results:me$|events:token-[a-z]+:(?!shop:session$))`),
            );
          }
        },
      ),
      { numRuns: RUNS, ...seeded },
    );

    assert.deepEqual(errors, []);
    for (const [what, times] of Object.entries(met))
      assert.isAbove(times, RUNS / 8, `${what}: else it looked away`);
    const { token } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.isTrue(await producer.delete({ ...SCOPE, token }), 'both lanes are served');
    const events = (await log()).filter(({ subject }) => VICTIMS.includes(subject));
    assert.lengthOf(events, VICTIMS.length, 'of those that nobody may touch it is told that they were made');
  });

  const createOf = (id: string) => ({
    v: 1,
    commands: [
      {
        commandId: 'make',
        op: 'create',
        issuedAt: stamp(),
        ...SCOPE,
        id,
        owner: 'ann',
        data: { a: 1 },
        duration: 600,
      },
    ],
  });

  /** Each command that can be told from others has one result; a job of which nothing was run says why. */
  function check(job: Job, data: unknown): void {
    const results = resultsOf(job);
    assert.isDefined(results, `job ${job.id} was never answered: ${JSON.stringify(data)}`);
    const ids = (results ?? []).map(({ commandId }) => commandId);
    if (job.failedReason) {
      assert.match(job.failedReason, /^job: /);
      return;
    }
    const sent = (data as { commands: { commandId: string }[] }).commands.map(({ commandId }) => commandId);
    assert.deepEqual(ids, sent);
    for (const { status, error } of results ?? []) {
      if (status === 'failed')
        assert.notInclude(['STORE_UNAVAILABLE', 'COMMAND_FAILED'], error?.code, error?.message);
    }
  }

  const over = (queue: Queue, id: string) =>
    eventually(`${id} is over`, async () => {
      const job = await queue.getJob(id);
      return job?.finishedOn && resultsOf(job) ? job : undefined;
    });

  const victims = () => stage.redis.mget(VICTIMS.map((id) => `{${stage.prefix}:0}:t:${id}`));

  const log = async () =>
    (await stage.redis.xrange(`{${stage.prefix}:0}:log`, '-', '+')).map(([, [, text]]) =>
      JSON.parse(text as string),
    );

  /** The channels on which something is published. */
  async function listenTo(pattern: string): Promise<string[]> {
    const channels: string[] = [];
    const listener = stage.client();
    listener.on('pmessage', (_, channel) => channels.push(channel));
    await listener.psubscribe(pattern);
    return channels;
  }
});
