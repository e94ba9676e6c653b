// Options: what is unknown or wrong is refused by name, and never shown.
import { inspect } from 'node:util';
import { assert } from 'chai';
import { ConfigError } from '../../src/tokens/errors.js';
import {
  checkOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../../src/tokens/options.js';

const check = (options: unknown) => checkOptions('RedisTokens', options, TOKEN_OPTION_RULES);

const NO_WORD = [null, '', 'x'.repeat(33), 'a b', 'a:b', 'a*', 'é', '{rt}', 'a\n', 1, ['rt'], {}];
const NO_TIME = [null, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5000', [5_000], 5n];

const WRONG: Record<keyof TokenOptions, unknown[]> = {
  prefix: NO_WORD,
  tokenPrefix: NO_WORD,
  shards: [null, 0, -1, 3, 1.5, 8_192, Number.NaN, '2', [2], 2n],
  partitions: [null, 0, -1, 65, 1.5, Number.NaN, '2', [2], 2n],
  pepper: [null, '', 'x'.repeat(31), new Uint8Array(31), 'ü'.repeat(15), 42, {}, Array(32).fill(1)],
  maxDataBytes: [null, 0, 1, -1, 2.5, 16 * 2 ** 20 + 1, Number.NaN, '100', 5n],
  timeout: NO_TIME,
  maxCommandAge: NO_TIME,
  touchEvery: [null, -0.1, 0.51, 1, Number.NaN, Number.POSITIVE_INFINITY, '0.1', [0.1], 0n],
  durability: [
    ...[null, 1, 'x', {}, [], { replicas: 0 }, { replicas: 17 }, { replicas: '1' }, { replicas: 1, wait: 1 }],
    ...[{ replicas: 1, timeout: 0 }, { replicas: 1, of: 'all' }, { timeout: 1_000 }],
  ],
};

const RIGHT: Record<keyof TokenOptions, unknown[]> = {
  prefix: ['rt', 'x', 'A-z_9', 'x'.repeat(32), undefined],
  tokenPrefix: ['rt_', 'x', '_', undefined],
  shards: [1, 2, 16, 4_096, undefined],
  partitions: [1, 3, 64, undefined],
  pepper: ['x'.repeat(32), 'ü'.repeat(16), new Uint8Array(32), Buffer.alloc(64), undefined],
  maxDataBytes: [2, 65_536, 16 * 2 ** 20, undefined],
  timeout: [1, 5_000, 2 ** 31 - 1, undefined],
  maxCommandAge: [1, 900_000, undefined],
  touchEvery: [0, 0.1, 0.5, undefined],
  durability: [{ replicas: 1 }, { replicas: 16, timeout: 5, of: 'changes' }, undefined],
};

describe('Options', () => {
  for (const name of Object.keys(WRONG) as (keyof TokenOptions)[]) {
    it(`refuse a wrong ${name}, by name`, () => {
      for (const value of WRONG[name]) {
        assert.throws(
          () => check({ [name]: value }),
          ConfigError,
          new RegExp(`^RedisTokens: option "${name}" must be `),
          inspect(value),
        );
      }
    });

    it(`take every ${name} that fits`, () => {
      for (const value of RIGHT[name]) check({ [name]: value });
    });
  }

  it('refuse unknown names, those of prototypes too, and list the known', () => {
    for (const name of ['prefx', 'Prefix', '', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.throws(
        () => check({ [name]: 1 }),
        ConfigError,
        `RedisTokens: unknown option "${name}"; known are prefix, `,
      );
    }
    assert.throws(() => check(JSON.parse('{"__proto__":1}')), ConfigError, 'unknown option "__proto__"');
    assert.throws(() => check({ unknown: undefined }), ConfigError);
  });

  it('refuse what are no options', () => {
    for (const options of [null, 1, 'redis://localhost', true])
      assert.throws(() => check(options), ConfigError);
    check(undefined);
    check({});
  });

  it('never show a value: it may be a pepper', () => {
    try {
      check({ pepper: 'my short pepper' });
      assert.fail();
    } catch (error) {
      assert.instanceOf(error, ConfigError);
      assert.notInclude(inspect(error), 'my short pepper');
    }
    const resolved = resolveTokenOptions({ pepper: 'a pepper that is long enough, and secret' });
    assert.notInclude(inspect(resolved, { depth: 9 }) + JSON.stringify(resolved), 'long enough');
  });

  it('have the defaults that are documented', () => {
    assert.deepEqual(resolveTokenOptions({}), {
      prefix: 'rt',
      shards: 1,
      partitions: undefined,
      tokenPrefix: 'rt_',
      peppers: [{ id: 'none', key: undefined }],
      maxDataBytes: 65_536,
      timeout: 5_000,
      maxCommandAge: 900_000,
      touchEvery: 0.1,
      durability: undefined,
    });
    assert.deepEqual(resolveTokenOptions({ durability: { replicas: 2 } }).durability, {
      replicas: 2,
      timeout: 1_000,
      of: 'revocations',
    });
  });
});
