// docs/asyncapi.json: it is valid, real traffic fits it, and what the worker refuses does not.
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import { expect } from 'chai';
import { RedisTokens, TOKEN_EVENT_TYPES } from '../../src/index.js';
import { LANES, type Lane, laneOf } from '../../src/queue/lanes.js';
import { parseJob } from '../../src/queue/wire.js';
import { buildCommand, OPERATIONS } from '../../src/tokens/commands.js';
import { ValidationError } from '../../src/tokens/errors.js';
import { asyncApi } from '../../tools/asyncapi.js';
import { eventually } from '../support/eventually.js';
import { SCOPE, Stage } from './stage.js';

const require = createRequire(import.meta.url);
const document = asyncApi() as { components: { schemas: Record<string, object> } };
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(document, 'doc');

const fits = (name: string): ValidateFunction => ajv.compile({ $ref: `doc#/components/schemas/${name}` });
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const JOBS = Object.fromEntries(LANES.map((lane) => [lane, fits(`${capital(lane)}Job`)])) as Record<
  Lane,
  ValidateFunction
>;

const ANN = { ...SCOPE, owner: 'ann' };
const ID = 'W7bAgPkaz4w4pI0bKch4ja';
const NOW = 1_795_461_186_509_000;

describe('The AsyncAPI document', () => {
  const stage = new Stage();

  it('is valid AsyncAPI 3.0', () => {
    const specification = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
    const isValid = new Ajv({ strict: false, validateFormats: false }).compile(specification);
    expect(isValid(document), JSON.stringify(isValid.errors?.slice(0, 3))).equal(true);
  });

  it('describes every job, result and event that really travels', async () => {
    const heard: { channel: string; body: { type?: string; results?: { op: string; status: string }[] } }[] =
      [];
    const listener = stage.client();
    listener.on('pmessage', (_, channel: string, text: string) =>
      heard.push({ channel, body: JSON.parse(text) }),
    );
    await listener.psubscribe(`${stage.prefix}:*`);
    await stage.worker().start();
    const producer = stage.producer();

    const { token, id } = await producer.create({
      ...{
        ...ANN,
        data: { cart: 7, list: [], nothing: null },
        duration: 60,
        idle: 30,
        hint: true,
        label: 'phone',
      },
      limit: { max: 9, overflow: 'end-oldest' },
    });
    await producer.get({ ...SCOPE, token });
    await producer.get({ ...SCOPE, token, touch: false });
    await producer.update({ ...SCOPE, token, data: { cart: null, more: 1 }, ifVersion: 1 });
    await producer.update({ ...SCOPE, token, data: {}, ifVersion: 7 }).catch(() => {}); // VERSION_CONFLICT
    await producer.refresh({ ...SCOPE, token, duration: 50 });
    const next = await producer.rotate({ ...SCOPE, token, duration: 60 });
    await producer.get({ ...SCOPE, token }); // reused: ends both
    const other = await producer.create({ ...ANN, duration: 60, customToken: 'a secret of our own' });
    await producer.create({ ...ANN, duration: 60, customToken: 'a secret of our own' }).catch(() => {}); // TOKEN_EXISTS
    await producer.getById({ ...ANN, id });
    await producer.getById({ ...SCOPE, id: other.id });
    await producer.list({ ...ANN, limit: 5, after: other });
    await producer.count(SCOPE);
    const { cursor } = await producer.owners({ ...SCOPE, limit: 1 });
    if (cursor) await producer.owners({ ...SCOPE, cursor });
    await producer.consume({ ...SCOPE, token: other.token, reason: 'used', by: 'user' });
    for (const owner of ['ann', 'bea', 'cem', 'dan'])
      await producer.create({ ...SCOPE, owner, duration: 60 });
    const kept = await producer.create({ ...ANN, duration: 60 });
    await producer.deleteAll({ ...ANN, except: kept.token, by: 'admin' });
    await producer.deleteById({ ...SCOPE, id: kept.id });
    await producer.delete({ ...SCOPE, token: next?.token ?? '' });
    await producer.deleteScope(SCOPE);
    await producer.deleteApp({ app: 'shop', reason: 'closed' });
    const guessing = { misses: 1 };
    const unpeppered = await producer.create({ ...ANN, app: 'other', duration: 60 });
    const pepper = [
      { id: '2026', key: 'p'.repeat(32) },
      { id: 'none', key: null },
    ];
    const peppered = stage.producer({ pepper });
    const moved = { app: 'other', type: 'session', token: unpeppered.token };
    await peppered.get(moved); // resealed
    await peppered.update({ ...moved, data: {} });
    await peppered.refresh({ ...moved, duration: 50 });
    await peppered.deleteAll({ ...ANN, app: 'other', except: unpeppered.token });
    const last = await peppered.rotate(moved);
    await peppered.delete({ ...moved, token: last?.token ?? '' });
    await peppered.consume({ ...moved, token: 'nobody' });
    await peppered.create({ ...ANN, duration: 60, customToken: 'another secret of our own' });
    const tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, pepper, guessing }));
    await tokens.create({ ...ANN, app: 'other', duration: 0.001 }); // the sweep tells of it
    await tokens.get({ ...SCOPE, token: 'none', client: '203.0.113.7' });

    const results = () => heard.flatMap(({ body }) => body.results ?? []);
    const told = () => new Set(heard.flatMap(({ body }) => body.type ?? []));
    await eventually('all has been told', () => told().size === TOKEN_EVENT_TYPES.length + 1, 10_000);
    for (const { channel, body } of heard) {
      const name = channel.includes(':results:')
        ? 'JobResult'
        : (body.type ?? '').split('-').map(capital).join('');
      const isFit = fits(name);
      expect(isFit(body), `${JSON.stringify(body)}\n${JSON.stringify(isFit.errors)}`).equal(true);
    }
    expect([...new Set(results().map(({ op }) => op))]).have.members(OPERATIONS);
    expect(results().some(({ status }) => status === 'failed')).equal(true);

    for (const lane of LANES) {
      const jobs = await stage.queue(lane).getJobs(['completed']);
      expect(jobs.length).above(0);
      for (const { data } of jobs) {
        expect(JOBS[lane](data), `${JSON.stringify(data)}\n${JSON.stringify(JOBS[lane].errors)}`).equal(true);
      }
    }
  });

  /** A right one of each operation. */
  const right = (op: (typeof OPERATIONS)[number]): Record<string, unknown> => {
    const from = {
      ...{ issuedAt: NOW, ...ANN, id: ID, data: {}, duration: 60, successor: ID, nonce: 'n'.repeat(22) },
    };
    const command = buildCommand(op, from as never) as unknown as Record<string, unknown>;
    return JSON.parse(JSON.stringify({ commandId: 'c1', ...command }));
  };

  const isTaken = (lane: Lane, command: unknown): boolean => {
    try {
      const rules = { lane, resultsPrefix: 'rt:results:', maxDataBytes: 65_536 };
      const { commands } = parseJob({ v: 1, replyTo: null, commands: [command] }, rules);
      return !(commands[0]?.command instanceof ValidationError);
    } catch {
      return false;
    }
  };
  const isDescribed = (lane: Lane, command: unknown): boolean =>
    JOBS[lane]({ v: 1, replyTo: null, commands: [command] });

  /** Values that are wrong in one field or another. */
  const WRONG: unknown[] = [
    ...[
      null,
      true,
      0,
      -1,
      1.5,
      1e9,
      '',
      'x'.repeat(257),
      'nul\0',
      'short',
      [],
      {},
      { max: 0 },
      { max: 1, more: 1 },
    ],
    ...[
      { max: 1, overflow: 'no' },
      { id: ID },
      { id: ID, expiresAt: -1 },
      Number.MAX_SAFE_INTEGER + 1,
      '12',
      'user',
    ],
  ];

  /** What no schema can say: lone surrogates, the owners' cursor, and what of `data` does not come back equal. */
  const UNSAID: ReadonlySet<string> = new Set(['cursor']);

  for (const op of OPERATIONS) {
    it(`takes and refuses what the worker takes and refuses of ${op}`, () => {
      const lane = laneOf(op);
      const command = right(op);
      expect([isTaken(lane, command), isDescribed(lane, command)]).deep.equal([true, true]);
      const others = LANES.filter((other) => other !== lane);
      for (const other of others)
        expect([isTaken(other, command), isDescribed(other, command)]).deep.equal([false, false]);
      const stray = { ...command, stray: 1 };
      expect([isTaken(lane, stray), isDescribed(lane, stray)]).deep.equal([false, false]);
      const { properties } = document.components.schemas[capital(op)] as {
        properties: Record<string, unknown>;
      };
      for (const field of Object.keys(properties)) {
        const { [field]: _, ...without } = command;
        expect(isDescribed(lane, without), `${op} without ${field}`).equal(isTaken(lane, without));
        if (UNSAID.has(field)) continue;
        for (const value of WRONG) {
          const changed = { ...command, [field]: value };
          expect(isDescribed(lane, changed), `${op} with ${field} ${JSON.stringify(value)}`).equal(
            isTaken(lane, changed),
          );
        }
      }
    });
  }
});
