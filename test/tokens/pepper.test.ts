// Peppers as an option: what is one, and what of them decides about ids.
import { inspect } from 'node:util';
import { assert } from 'chai';
import { ConfigError } from '../../src/tokens/errors.js';
import { checkOptions, resolveTokenOptions, TOKEN_OPTION_RULES } from '../../src/tokens/options.js';
import { checkOf, type PepperKey, sealingKeys } from '../../src/tokens/pepper.js';
import { Sealer } from '../../src/tokens/sealer.js';

const clock = { now: () => Date.now() * 1_000, reckoned: () => Date.now() * 1_000 };
const KEY = 'a key that nobody else has, of 32 bytes or more';
const OTHER = 'another key that nobody else has, as long as that';
const SHORT = 'a short and secret key';
const SCOPE = { app: 'shop', type: 'session' };
const sealer = (pepper?: unknown) => new Sealer(resolveTokenOptions({ pepper: pepper as never }), clock);
const check = (pepper: unknown) => checkOptions('test', { pepper }, TOKEN_OPTION_RULES);

describe('Peppers with ids', () => {
  it('are up to five, each with an id and a key of its own', () => {
    const keys = Array.from({ length: 6 }, (_, i) => ({ id: `k.${i}_-`, key: `${i}`.repeat(32) }));
    for (const right of [
      keys.slice(0, 5),
      [{ id: 'x'.repeat(32), key: new Uint8Array(32) }],
      [{ id: 'none', key: null }],
      [keys[0], { id: 'none', key: null }],
      false,
    ])
      check(right);
    const wrong: unknown[] = [
      [],
      keys,
      [KEY],
      [null],
      [{ id: '', key: KEY }],
      [{ id: 'x'.repeat(33), key: KEY }],
      [{ id: 'a b', key: KEY }],
      [{ id: 'a=b', key: KEY }],
      [{ key: KEY }],
      [{ id: 'a' }],
      [{ id: 'a', key: SHORT }],
      [{ id: 'a', key: new Uint8Array(31) }],
      [{ id: 'a', key: null }],
      [{ id: 'none', key: KEY }],
      [{ id: 'a', key: KEY, kid: 'b' }],
      [
        { id: 'a', key: KEY },
        { id: 'a', key: OTHER },
      ],
      [
        { id: 'a', key: KEY },
        { id: 'b', key: Buffer.from(KEY) },
      ],
      true,
      { id: 'a', key: KEY },
    ];
    for (const one of wrong)
      assert.throws(() => check(one), ConfigError, /option "pepper" must be /, inspect(one));
  });

  it('are shown in no message, and by nothing that holds them', () => {
    for (const [pepper, problem] of [
      [[{ id: '2026', key: SHORT }], 'number 1 has a key of at least 32 bytes'],
      [
        [
          { id: '2026', key: KEY },
          { id: '2025', key: SHORT },
        ],
        'number 2 has a key of at least 32 bytes',
      ],
      [[{ id: SHORT, key: KEY }], 'an id: 1–32 of'],
    ] as const) {
      try {
        check(pepper);
        assert.fail();
      } catch (error) {
        assert.include((error as Error).message, problem);
        for (const secret of [KEY, SHORT]) assert.notInclude(inspect(error, { depth: 9 }), secret);
      }
    }
    const resolved = resolveTokenOptions({ pepper: [{ id: '2026', key: KEY }] });
    assert.notInclude(inspect(resolved, { depth: 9 }) + JSON.stringify(resolved), KEY);
  });

  it('derive the ids that the same key derives without one', () => {
    const input = { ...SCOPE, token: 'a secret' };
    assert.equal(sealer([{ id: '2026', key: KEY }]).idOf(input), sealer(KEY).idOf(input));
    assert.equal(sealer([{ id: 'none', key: null }]).idOf(input), sealer().idOf(input));
  });

  it('add former ids to what presents a token, and to nothing where there is one', () => {
    const several = sealer([
      { id: '2026', key: KEY },
      { id: '2025', key: OTHER },
      { id: 'none', key: null },
    ]);
    const input = { ...SCOPE, token: 'a secret' };
    const ids = [KEY, OTHER, undefined].map((key) => sealer(key).idOf(input));
    assert.lengthOf(new Set(ids.map((id) => id.slice(0, 2))), 1, 'of one shard');
    for (const [op, more] of [
      ['get', {}],
      ['update', { data: {} }],
      ['refresh', { duration: 1 }],
      ['delete', {}],
      ['consume', {}],
    ] as const) {
      const { command } = several.seal(op, { ...input, ...more } as never);
      assert.deepInclude(command as object, { id: ids[0], formerIds: ids.slice(1) }, op);
      const { command: single } = sealer(KEY).seal(op, { ...input, ...more } as never);
      assert.isUndefined((single as { formerIds?: unknown }).formerIds);
    }
    const all = several.seal('deleteAll', { ...SCOPE, owner: 'ann', except: 'a secret' }).command;
    assert.deepInclude(all, { except: ids[0], formerIds: ids.slice(1) });
    assert.isUndefined(several.seal('deleteAll', { ...SCOPE, owner: 'ann' }).command.formerIds);
    const create = { ...SCOPE, owner: 'ann', duration: 1 };
    assert.deepEqual(
      several.seal('create', { ...create, customToken: 'a secret' }).command.formerIds,
      ids.slice(1),
    );
    assert.isUndefined(several.seal('create', create).command.formerIds, 'nobody has drawn it before');
  });

  it('can not be given by a caller as ids', () => {
    assert.throws(
      () => sealer(KEY).seal('get', { ...SCOPE, token: 'a', formerIds: ['A'.repeat(22)] } as never),
      /formerIds is no field of get/,
    );
  });

  it('are told apart by a check that says nothing of them', () => {
    const peppers: PepperKey[] = [
      { id: 'a', key: KEY },
      { id: 'b', key: OTHER },
    ];
    const [one, other] = sealingKeys(peppers).map(checkOf);
    assert.match(one as string, /^[\w-]{16}$/);
    assert.notEqual(one, other);
    assert.equal(one, checkOf({ ...sealingKeys(KEY)[0], id: 'c' } as never), 'whatever its id');
  });

  it('that a door knows none of leave it what takes no token', () => {
    const none = sealer(false);
    none.seal('deleteAll', { ...SCOPE, owner: 'ann' });
    none.seal('list', { ...SCOPE, owner: 'ann' });
    for (const seal of [
      () => none.seal('get', { ...SCOPE, token: 'a' }),
      () => none.seal('create', { ...SCOPE, owner: 'ann', duration: 1 }),
      () => none.seal('deleteAll', { ...SCOPE, owner: 'ann', except: 'a' }),
      () => none.idOf({ ...SCOPE, token: 'a' }),
    ])
      assert.throws(seal, ConfigError, 'pepper');
  });
});
