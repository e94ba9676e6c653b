// Validation: every field of every operation, and all wrong ones at once, before any I/O.
import { inspect } from 'node:util';
import { assert } from 'chai';
import fc from 'fast-check';
import { MemoryClock } from '../../src/memory/clock.js';
import {
  buildCommand,
  CreateCommand,
  fieldsOf as commandFields,
  OPERATIONS,
} from '../../src/tokens/commands.js';
import { ValidationError } from '../../src/tokens/errors.js';
import { InProcessTokens } from '../../src/tokens/in-process.js';
import type { Operation } from '../../src/tokens/operations.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { Sealer } from '../../src/tokens/sealer.js';
import { checkCommand, isRight, problemsOf } from '../../src/tokens/validation.js';
import { seeded } from '../support/chance.js';
import { untouchableRepository } from '../support/untouchable-repository.js';
import { rightInput, WRONG } from './wrong-values.js';

const options = resolveTokenOptions({});
const sealer = new Sealer(options, new MemoryClock());
const seal = (op: Operation, input: unknown) => sealer.seal(op, input as never);

function refusalOf(run: () => unknown): ValidationError {
  try {
    run();
  } catch (error) {
    assert.instanceOf(error, ValidationError);
    return error as ValidationError;
  }
  return assert.fail('it was taken');
}

const fieldsOf = ({ fields }: ValidationError) => fields.map(({ field }) => field).sort();

describe('Validation', () => {
  it('refuses a name or a custom token of 50 million characters, without counting them', () => {
    const huge = 'x'.repeat(50_000_000);
    for (const field of ['app', 'type', 'owner', 'customToken']) {
      const error = refusalOf(() => seal('create', { ...rightInput('create'), [field]: huge }));
      assert.deepEqual(fieldsOf(error), [field]);
      assert.isBelow(error.message.length, 200);
    }
  });

  for (const op of OPERATIONS) {
    describe(`of ${op}`, () => {
      it('takes what is right', () => {
        assert.equal(seal(op, rightInput(op)).command.op, op);
      });

      for (const [field, values] of Object.entries(WRONG[op])) {
        it(`refuses ${field} alone where it is ${Object.keys(values).join(', ')}`, () => {
          for (const [what, value] of Object.entries(values)) {
            const error = refusalOf(() => seal(op, { ...rightInput(op), [field]: value }));
            assert.deepEqual(fieldsOf(error), [field], what);
            assert.isNotEmpty(error.fields[0]?.problem, what);
            assert.isTrue(error.message.startsWith(`${op}: ${field} `), error.message);
          }
        });
      }

      it('names all wrong fields at once, and no others', () => {
        const fields = Object.keys(WRONG[op]);
        const wrong = fc.record(
          Object.fromEntries(
            fields.map((field) => [field, fc.constantFrom(...Object.values(WRONG[op][field] ?? {}))]),
          ),
          { requiredKeys: [] },
        );
        fc.assert(
          fc.property(wrong, (values) => {
            fc.pre(Object.keys(values).length > 0);
            const error = refusalOf(() => seal(op, { ...rightInput(op), ...values }));
            assert.deepEqual(fieldsOf(error), Object.keys(values).sort());
          }),
        );
      });

      it('refuses what is no input at all', () => {
        for (const input of [undefined, null, 1, 'input', [], () => 1, Symbol('x')]) {
          const required = Object.entries(WRONG[op]).filter(([, values]) => 'nothing' in values);
          const error = refusalOf(() => seal(op, input));
          assert.deepEqual(fieldsOf(error), required.map(([field]) => field).sort());
        }
      });

      for (const isReady of [true, false]) {
        it(`rejects before any I/O, ${isReady ? 'connected' : 'not connected'} or not`, async () => {
          const { repository, touched } = untouchableRepository(isReady);
          const tokens = new InProcessTokens('Tokens', repository, options);
          for (const [field, values] of Object.entries(WRONG[op])) {
            for (const value of Object.values(values)) {
              const input = { ...rightInput(op), [field]: value } as never;
              const error = await (tokens[op](input) as Promise<unknown>).catch((reason: unknown) => reason);
              assert.instanceOf(error, ValidationError);
            }
          }
          assert.deepEqual(touched, []);
        });
      }
    });
  }

  it('takes names and tokens of the greatest length, counted in characters', () => {
    for (const char of ['x', 'ü', '🙂']) {
      const name = char.repeat(256);
      const input = { app: name, type: name, owner: name, duration: 1, customToken: char.repeat(1_024) };
      assert.equal(seal('create', input).command.app, name);
    }
  });

  it('takes any duration up to ten years, and asks for seconds above', () => {
    for (const duration of [Number.MIN_VALUE, 0.001, 1.5, 10 * 365 * 86_400]) {
      seal('refresh', { ...rightInput('refresh'), duration });
    }
    const error = refusalOf(() => seal('refresh', { ...rightInput('refresh'), duration: Date.now() }));
    assert.include(error.message, 'seconds, not milliseconds?');
  });

  it('takes data of exactly the greatest size', () => {
    seal('create', { ...rightInput('create'), data: { a: 'x'.repeat(65_536 - 8) } });
    const error = refusalOf(() =>
      seal('create', { ...rightInput('create'), data: { a: 'x'.repeat(65_536 - 7) } }),
    );
    assert.equal(error.fields[0]?.problem, 'must be at most 65536 bytes as JSON, got 65537');
  });

  it('fills in data and limit where they are left out', () => {
    const create = seal('create', { ...rightInput('create'), data: undefined });
    assert.deepEqual((create.command as CreateCommand).data, {});
    const list = sealer.seal('list', { app: 'shop', type: 'session', owner: 'ann' });
    assert.equal(list.command.limit, 1_000);
    assert.isUndefined(list.command.after);
  });

  it('refuses a limit with a custom token where tokens of an owner lie in several shards', () => {
    const limit = { max: 5 };
    const many = new Sealer(resolveTokenOptions({ shards: 2 }), new MemoryClock());
    const input = { app: 'shop', type: 'session', owner: 'ann', duration: 60, limit };
    const error = refusalOf(() => many.seal('create', { ...input, customToken: 'x' }));
    assert.deepEqual(fieldsOf(error), ['limit']);
    many.seal('create', input);
    sealer.seal('create', { ...input, customToken: 'x' });
  });

  it('fills in what becomes of creates beyond a limit, in a limit of its own', () => {
    const limit = { max: 5 };
    const { command } = seal('create', { ...rightInput('create'), limit });
    limit.max = 1;
    assert.deepEqual((command as CreateCommand).limit, { max: 5, overflow: 'reject' });
  });

  it('refuses a prefix that is none, whoever slipped it in', () => {
    for (const tokenPrefix of [null, '', 5, {}, [], 'a b', 'x'.repeat(33), { length: 3 }]) {
      const error = refusalOf(() => seal('create', { ...rightInput('create'), app: '', tokenPrefix }));
      assert.deepEqual(fieldsOf(error), ['app', 'tokenPrefix']);
    }
  });

  it('of operations without a token does not ask for one, and takes a record as it is', () => {
    for (const op of ['list', 'deleteAll'] as const) {
      seal(op, {
        ...rightInput(op),
        customToken: 'x',
        token: 5,
        id: 'x',
        version: 1,
        createdAt: 1,
        expiresAt: 1,
      });
    }
  });

  it('refuses a field that no operation has', () => {
    const error = refusalOf(() =>
      seal('create', { ...rightInput('create'), ttl: 60, dta: {}, customtoken: 'x' }),
    );
    assert.deepEqual(fieldsOf(error), ['customtoken', 'dta', 'ttl']);
    assert.include(error.message, 'ttl is no field of create');
  });

  it('takes neither id nor stamp nor kind of secret from its caller', () => {
    const given = { id: 'x', issuedAt: 1, custom: false, op: 'get' };
    const error = refusalOf(() => seal('create', { ...rightInput('create'), ...given }));
    assert.deepEqual(fieldsOf(error), ['custom', 'issuedAt', 'op']);
    const { command } = seal('create', { ...rightInput('create'), id: 'x' });
    assert.match((command as CreateCommand).id, /^[\w-]{22}$/);
    assert.approximately(command.issuedAt, Date.now() * 1_000, 1_000_000);
    assert.isTrue((command as CreateCommand).custom);
    assert.equal(command.op, 'create');
  });

  it('names the place of what is wrong in data', () => {
    const error = refusalOf(() => seal('create', { ...rightInput('create'), data: { a: [{ b: 1n }] } }));
    assert.deepEqual(error.fields, [{ field: 'data', problem: '(at data.a[0].b) is a bigint' }]);
  });

  it('shows no secret in any refusal', () => {
    const secret = 'the-secret-of-ann';
    for (const input of [
      { app: '', customToken: secret, duration: 1 },
      { customToken: `rt_${secret}` },
      { customToken: `${secret}\0` },
      { customToken: secret.repeat(100) },
      { token: { secret } },
      { token: [secret], app: 1 },
      { token: secret, data: { [Symbol(secret)]: 1 } },
    ]) {
      for (const op of OPERATIONS) {
        const error = refusalOf(() => seal(op, input));
        for (const text of [
          error.message,
          error.stack,
          inspect(error, { depth: 9 }),
          JSON.stringify(error),
        ]) {
          assert.notInclude(text, secret);
        }
      }
    }
  });

  it('of a command asks for a stamp in whole microseconds, and for an id', () => {
    const command = Object.assign(new CreateCommand(), {
      ...{ app: 'shop', type: 'session', owner: 'ann', data: {}, duration: 1 },
      ...{ issuedAt: 1.5, id: 'a token?' },
    });
    const error = refusalOf(() => checkCommand(command, 65_536));
    assert.deepEqual(fieldsOf(error), ['id', 'issuedAt']);
    for (const issuedAt of [undefined, null, -1, 1.5, Number.NaN, '1', 2 ** 60, 1n]) {
      Object.assign(command, { id: 'A'.repeat(22), issuedAt });
      assert.deepEqual(fieldsOf(refusalOf(() => checkCommand(command, 65_536))), ['issuedAt']);
    }
    Object.assign(command, { issuedAt: Date.now() * 1_000, custom: 'yes' });
    assert.deepEqual(fieldsOf(refusalOf(() => checkCommand(command, 65_536))), ['custom']);
  });

  it('comes to the same verdict by the rules alone and by class-validator, on any values', () => {
    const values = [...Object.values(WRONG).flatMap((fields) => Object.values(fields))]
      .flatMap((kinds) => Object.values(kinds as Record<string, unknown>))
      .filter((value) => typeof value !== 'string' || value.length < 10_000);
    const verdicts = { right: 0, wrong: 0 };
    for (const op of OPERATIONS) {
      const { command } = sealer.seal(op, rightInput(op) as never);
      const right = Object.fromEntries(commandFields(op).map((field) => [field, command[field as never]]));
      const mixed = fc.record(
        Object.fromEntries(
          Object.entries(right).map(([field, value]) => [
            field,
            fc.oneof(
              { weight: 4, arbitrary: fc.constant(value) },
              fc.constantFrom(...values, undefined),
              fc.anything(),
            ),
          ]),
        ),
      );
      fc.assert(
        fc.property(mixed, (fields) => {
          const candidate = buildCommand(op, fields);
          const isFine = isRight(candidate);
          assert.equal(isFine, problemsOf(candidate).length === 0);
          verdicts[isFine ? 'right' : 'wrong']++;
        }),
        { numRuns: 200, ...seeded },
      );
    }
    assert.isAbove(Math.min(verdicts.right, verdicts.wrong), 50);
  });
});
