// One trace from whoever calls a producer, through the job and its worker, to the store.
import { context, propagation } from '@opentelemetry/api';
import { Queue } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { expect } from 'chai';
import {
  CommandConflictError,
  generateToken,
  StoreUnavailableError,
  TokenExistsError,
} from '../../src/index.js';
import { openTelemetry } from '../../src/telemetry/index.js';
import { replaced, SCOPE, Stage, stamp } from '../queue/stage.js';
import { eventually, rejection } from '../support/eventually.js';
import { calling, Spans, type ToldSpan, treeOf } from './spans.js';

const ANN = { ...SCOPE, owner: 'secret-ann', duration: 60 };

describe('A trace through the queue', () => {
  const stage = new Stage();
  const spans = new Spans();
  before(() => spans.open());
  after(() => spans.close());
  beforeEach(() => spans.reset());

  const producer = () => stage.producer({ telemetry: openTelemetry() });
  const startWorker = (options = {}) => stage.startWorker({ telemetry: openTelemetry(), ...options });

  /** The tree, once it is complete: a job's own span ends after its results were heard. */
  async function expectTree(expected: string[]): Promise<void> {
    await eventually('all spans have ended', () => spans.all.length >= expected.length).catch(() => {});
    expect(treeOf(spans.all)).deep.equal(expected);
  }

  const single = (name: string, lane: string, from = 0): string[] =>
    [
      `PRODUCER ${name} completed`,
      `  PRODUCER add ${lane}.command`,
      `    CONSUMER process ${lane}`,
      `      INTERNAL ${name} completed`,
      `        CLIENT ${name} completed`,
    ].map((line) => ' '.repeat(from) + line);

  it('goes from the caller to the store, for each operation', async () => {
    await startWorker();
    const tokens = producer();
    const { token, id } = await calling(
      () => tokens.create({ ...ANN, data: { cart: 'secret-7' } }),
      'log in',
    );
    await calling(() => tokens.get({ ...SCOPE, token }), 'page');
    await calling(() => tokens.rotate({ ...SCOPE, token, grace: 5 }), 'second factor');
    await calling(() => tokens.delete({ ...SCOPE, token }), 'log out');
    await expectTree([
      ...['INTERNAL log in', ...single('create', 'commands', 2)],
      ...['INTERNAL log out', ...single('delete', 'revocations', 2)],
      ...['INTERNAL page', ...single('get', 'commands', 2)],
      ...['INTERNAL second factor', ...single('rotate', 'commands', 2)],
    ]);
    const { all } = spans;
    expect(new Set(all.map(({ trace }) => trace)).size).equal(4);
    expect(all.find(({ name, kind }) => name === 'create' && kind === 'INTERNAL')?.attributes).deep.equal({
      'redis_tokens.operation': 'create',
      'redis_tokens.lane': 'commands',
      'redis_tokens.token_id': id,
      'redis_tokens.outcome': 'completed',
    });
    const text = JSON.stringify(all);
    for (const secret of [token, 'secret', 'nonce']) expect(text).not.include(secret);
  });

  it('goes on in each caller’s own trace where their commands share a job', async () => {
    await startWorker();
    const tokens = producer();
    const create = (name: string) => calling(() => tokens.create(ANN), name);
    await Promise.all([create('first'), create('second'), create('third')]);
    const own = [
      '  PRODUCER create completed',
      '    INTERNAL create completed',
      '      CLIENT create completed',
    ];
    await expectTree([
      ...['INTERNAL first', ...own, '    PRODUCER add commands.batch', '      CONSUMER process commands'],
      ...['INTERNAL second', ...own],
      ...['INTERNAL third', ...own],
    ]);
    const job = spans.all.find(({ kind }) => kind === 'CONSUMER') as ToldSpan;
    const commands = spans.all.filter(({ name, kind }) => name === 'create' && kind === 'INTERNAL');
    expect(commands.map(({ links }) => links)).deep.equal([[job.id], [job.id], [job.id]]);
  });

  it('ends with the code of what failed, in every span of the command', async () => {
    await startWorker();
    const tokens = producer();
    const input = { ...ANN, customToken: 'a custom token' };
    await tokens.create(input);
    await eventually('the first job is over', () => spans.all.length === 5);
    spans.reset();
    expect(await rejection(tokens.create(input))).instanceOf(TokenExistsError);
    await expectTree(single('create', 'commands').map((line) => line.replace('completed', 'TOKEN_EXISTS')));
  });

  it('shows each attempt at a job', async () => {
    const repository = stage.repository();
    let attempts = 0;
    const failing = replaced(repository, {
      create: (command, attempt) => {
        attempts++;
        if (attempts === 1) return Promise.reject(new StoreUnavailableError('away', 'none'));
        return repository.create(command, attempt);
      },
    });
    await startWorker({ repository: failing });
    await producer().create(ANN);
    const [operation, add, ...attempt] = single('create', 'commands') as [string, string, ...string[]];
    const failed = attempt.map((line) => line.replace('completed', 'STORE_UNAVAILABLE'));
    await expectTree([operation, add, ...failed, ...attempt]);
  });

  it('of an enqueued command is that of its enqueuing; who asks for the result later has a span of that', async () => {
    await startWorker();
    const receipt = await calling(() => producer().enqueue('create', ANN), 'enqueuing');
    const { id } = (await calling(
      () => producer().result(JSON.parse(JSON.stringify(receipt))),
      'asking',
    )) as { id: string };
    expect(id).equal(receipt.id);
    await expectTree([
      'INTERNAL asking',
      '  CLIENT result create completed',
      'INTERNAL enqueuing',
      ...single('create', 'commands', 2).map((line) =>
        line.replace('PRODUCER create', 'PRODUCER enqueue create'),
      ),
    ]);
  });

  it('makes no other content of a command that is enqueued again', async () => {
    const tokens = producer();
    const input = { ...ANN, customToken: generateToken() };
    const enqueue = (owner: string) =>
      calling(() => tokens.enqueue('create', { ...input, owner }, { commandId: 'c1' }));
    const [first, second] = [await enqueue('ann'), await enqueue('ann')];
    expect(second.jobId).equal(first.jobId);
    expect(await rejection(enqueue('bob'))).instanceOf(CommandConflictError);
  });

  it('is carried by where it is alone, without the baggage of whoever called', async () => {
    const tokens = producer();
    const baggage = propagation.createBaggage({ user: { value: 'secret-ann' } });
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
      Promise.all([tokens.enqueue('create', ANN), tokens.enqueue('create', ANN)]),
    );
    const [job] = await stage.waiting('commands');
    const { traceparent, commands, ...rest } = JSON.parse(job?.opts.telemetry?.metadata as string);
    const WHERE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;
    expect(traceparent).match(WHERE);
    expect(commands).length(2);
    for (const carrier of commands) {
      expect(Object.keys(carrier)).deep.equal(['traceparent']);
      expect(carrier.traceparent).match(WHERE);
    }
    expect(rest).deep.equal({});
  });

  it('is taken from any producer that BullMQ traces, whatever it carries', async () => {
    await startWorker();
    const count = { commandId: 'c', op: 'count', issuedAt: stamp(), ...SCOPE };
    const data = { v: 1, replyTo: null, commands: [count] };
    const queue = stage.opened.add(
      new Queue('commands', {
        connection: stage.redis,
        prefix: `{${stage.prefix}}`,
        telemetry: new BullMQOtel({ tracerName: 'theirs' }),
      }),
    );
    await calling(() => queue.add('command', data, { jobId: 'theirs' }));
    await eventually('the job is over', () => spans.all.some(({ kind }) => kind === 'CONSUMER'));
    expect(treeOf(spans.all)).deep.include('    CONSUMER process commands');
    const HOSTILE = ['', 'x', 'null', '[]', '7', '{"commands":[null]}', '{"traceparent":[1],"commands":7}'];
    for (const [i, metadata] of HOSTILE.entries()) {
      spans.reset();
      await stage.queue('commands').add('command', data, { jobId: `hostile-${i}`, telemetry: { metadata } });
      await eventually(`${metadata} is over`, () => spans.all.some(({ kind }) => kind === 'CONSUMER'));
      expect(spans.all.find(({ kind }) => kind === 'CONSUMER')?.parent, metadata).equal(undefined);
      expect(spans.all.find(({ kind }) => kind === 'CLIENT')?.attributes, metadata).include({
        'redis_tokens.outcome': 'completed',
      });
    }
  });

  it('is not that in which a worker was started', async () => {
    await calling(() => startWorker(), 'starting');
    await stage.producer().create(ANN);
    await expectTree([
      'CONSUMER process commands',
      '  INTERNAL create completed',
      '    CLIENT create completed',
      'INTERNAL starting',
    ]);
  });
});
