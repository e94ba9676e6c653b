// Awkward names are ordinary text: no two scopes or owners ever meet, and no token works where it was not made for.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import sinon from 'sinon';
import { generateToken, RedisTokens, type Token } from '../../src/index.js';
import { moveIntoPast } from '../support/time-travel.js';
import { type Deployment, openDeployment, until } from './deployment.js';

const NAMES = [
  'a',
  'b',
  'c',
  'a:b',
  'b:c',
  'a:b:c',
  ':',
  '::',
  '*',
  '**',
  '?',
  '[a-z]',
  '[',
  ']',
  '%',
  '%25',
  '%2A',
  '%3A',
  '{',
  '}',
  '{}',
  '{a}',
  '{rt:0}',
  'a b',
  ' ',
  '+',
  '\n',
  '\r\n',
  '\t',
  '"',
  '\\',
  '\\"',
  '\\n',
  "'",
  ',',
  '","',
  '🙂',
  '🙂🙂',
  '\u2028',
  'é',
  'e\u0301',
  'A',
  'bob',
  'bobby',
  'bo',
  '__proto__',
  'constructor',
  'undefined',
  'null',
  '0',
  '1',
  '../..',
  '\u007f',
  '\u0001',
  '\uffff',
  '~!()',
];

const SHOP = { app: 'shop', type: 'session' };

/** Three names that would be the same with the delimiter in another place, or with a glob taken for one. */
const AWKWARD = [
  ['a:b', 'c', 'd'],
  ['a', 'b:c', 'd'],
  ['a', 'b', 'c:d'],
  ['a:b:c', 'd', 'e'],
  ['a%3Ab', 'c', 'd'],
  ['*', 'c', 'd'],
  ['a:b', '*', 'd'],
  ['a:b', 'c', '*'],
  ['*', '*', '*'],
  ['?', '?', '?'],
  ['[a]', '[b]', '[c]'],
  ['a', 'b', 'bob'],
  ['a', 'b', 'bobby'],
  ['a', 'b', 'bo'],
  ['a', 'b', 'b%6Fb'],
  ['{a', '}b', '{}'],
  ['a\nb', 'c\n', '\nd'],
  ['🙂', '🙂🙂', '🙂🙂🙂'],
  ['🙂🙂', '🙂', '🙂🙂🙂'],
  ['a","b', 'c', 'd'],
  ['a', 'b","c', 'd'],
  ['a\\', '"b', 'c'],
  ['a\\","', 'b', 'c'],
  ['%', '%25', '%2525'],
  ['%25', '%', '%2525'],
  ['__proto__', 'constructor', 'toString'],
  ['é', 'x', 'y'],
  ['e\u0301', 'x', 'y'],
] as const;

const TYPES = ['session', 'api-key', 'password-reset', 'e-mail'];

describe('Names', function () {
  this.timeout(30_000);
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await openDeployment();
  });

  afterEach(async () => {
    sinon.restore();
    await deployment.close();
  });

  const each = async <T, R>(items: readonly T[], call: (item: T, i: number) => Promise<R>): Promise<R[]> => {
    const results: R[] = [];
    for (const [i, item] of items.entries()) results.push(await call(item, i));
    return results;
  };

  const places = [
    ...AWKWARD.map(([app, type, owner]) => ({ app, type, owner })),
    ...NAMES.map((owner) => ({ app: 'shop', type: 'session', owner })),
    ...NAMES.map((type) => ({ app: 'shop', type, owner: 'ann' })),
    ...NAMES.map((app) => ({ app, type: 'session', owner: 'ann' })),
  ].filter(({ app, type, owner }, i) => !(app === 'shop' && type === 'session' && owner === 'ann' && i > 0));

  it('never meet in get, list, deleteAll and their events', async () => {
    const { tokens, producer } = deployment;
    const made = await Promise.all(
      places.map((place) => tokens.create({ ...place, duration: 60, data: { place } })),
    );
    const scopeOf = ({ app, type }: { app: string; type: string }) => JSON.stringify([app, type]);
    const all = new Set(made.map(({ id }) => id));
    assert.equal(all.size, places.length);

    const lists = await Promise.all(places.map((place, i) => (i % 2 ? tokens : producer).list(place)));
    for (const [i, list] of lists.entries()) {
      assert.deepEqual(
        list.map(({ id, data }): unknown[] => [id, data]),
        [[made[i]?.id, { place: places[i] }]],
      );
    }
    const counts = await Promise.all(places.map((place, i) => (i % 2 ? producer : tokens).count(place)));
    assert.deepEqual(
      counts,
      places.map(() => 1),
    );
    for (const { app, type } of places.slice(0, 40)) {
      const own = places.filter((place) => scopeOf(place) === scopeOf({ app, type }));
      const { owners, cursor } = await tokens.owners({ app, type });
      assert.sameMembers(
        owners.map(({ owner }) => owner),
        own.map(({ owner }) => owner),
      );
      assert.isUndefined(cursor);
      assert.equal(await tokens.count({ app, type }), own.length);
    }
    // Each token is read in the scope of every other: it is found in its own alone.
    await each(made, async ({ token, id, ...own }, i) => {
      const found = await Promise.all(places.map(({ app, type }) => tokens.get({ app, type, token })));
      for (const [j, other] of found.entries()) {
        const same = scopeOf(places[j] as never) === scopeOf(own);
        assert.equal(other?.id, same ? id : undefined, JSON.stringify([places[i], places[j]]));
      }
    });
    await each(places, async (place, i) => {
      assert.equal(await (i % 2 ? tokens : producer).deleteAll(place), 1, JSON.stringify(place));
      assert.isUndefined(await tokens.get({ ...place, token: made[i]?.token as string }));
      const next = made[i + 1];
      if (next) assert.isDefined(await tokens.get(next), `${JSON.stringify(place)} ended another`);
    });
    const events = await deployment.events();
    assert.lengthOf(events, 2 * places.length);
    for (const [i, { type, subject, data }] of events.slice(-places.length).entries()) {
      const { version: _, commandId: __, reason, ...place } = data;
      assert.deepEqual([type, subject, place, reason] as unknown, [
        'token-revoked',
        made[i]?.id,
        places[i],
        'deleted-all',
      ]);
    }
  });

  it('are filtered by exactly, also where a filter looks like a glob', async () => {
    const { tokens, producer } = deployment;
    const filters = AWKWARD.flatMap(([app, type, owner]) => [
      { app },
      { app, type },
      { app, type, owner },
      { owner },
    ]).filter((_, i) => i % 3 === 0);
    const heard = await Promise.all(
      filters.map(async (filter) => {
        const subjects: string[] = [];
        (await deployment.subscribe(filter)).on('event', ({ subject }) => subjects.push(subject));
        return subjects;
      }),
    );
    // Twice: whoever has heard its own of the second round has heard all that it wrongly hears of the first.
    const made = await each([...AWKWARD, ...AWKWARD], ([app, type, owner], i) =>
      (i % 2 ? tokens : producer).create({ app, type, owner, duration: 60 }),
    );
    for (const [i, filter] of filters.entries()) {
      const fits = (token: Token) =>
        Object.entries(filter).every(([name, value]) => token[name as 'app'] === value);
      const expected = made.filter(fits).map(({ id }) => id);
      const subjects = heard[i] ?? [];
      await until(() => subjects.length >= expected.length);
      assert.deepEqual(subjects, expected, JSON.stringify(filter));
    }
  });

  it('that look like globs find nothing', async () => {
    const { tokens, doors } = deployment;
    const made = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
    for (const [, door] of doors) {
      for (const glob of ['*', '?', '**', 's*', '[a-z]*', '*:*', '']) {
        if (glob !== '') {
          assert.deepEqual(await door.list({ app: 'shop', type: 'session', owner: glob }), []);
          assert.deepEqual(await door.list({ app: glob, type: glob, owner: glob }), []);
          assert.equal(await door.deleteAll({ app: 'shop', type: 'session', owner: glob }), 0);
          assert.equal(await door.count({ app: 'shop', type: 'session', owner: glob }), 0);
          assert.deepEqual((await door.owners({ app: glob, type: 'session' })).owners, []);
          assert.equal(await door.deleteAll({ app: glob, type: 'session', owner: 'ann' }), 0);
          assert.equal(await door.deleteScope({ app: 'shop', type: glob }), 0);
          assert.equal(await door.deleteScope({ app: glob, type: 'session' }), 0);
          assert.equal(await door.deleteApp({ app: glob }), 0);
          assert.isUndefined(await door.getById({ ...SHOP, id: made.id, owner: glob }));
          assert.isFalse(await door.deleteById({ ...SHOP, id: made.id, owner: glob }));
          assert.isUndefined(await door.consume({ ...made, app: glob }));
          assert.isUndefined(await door.get({ ...made, app: glob }));
          assert.isUndefined(await door.get({ ...made, type: glob }));
          assert.isFalse(await door.delete({ ...made, type: glob }));
        }
        assert.isUndefined(await door.get({ ...made, token: glob }));
        assert.isUndefined(await door.update({ ...made, token: glob, data: { a: 1 } }));
        assert.isUndefined(await door.refresh({ ...made, token: glob, duration: 1 }));
        assert.isFalse(await door.delete({ ...made, token: glob }));
      }
    }
    assert.deepEqual(await tokens.get(made), made);
  });

  it('of types bind a token: none is accepted as another', async () => {
    const { doors, tokens } = deployment;
    for (const customToken of [undefined, 'one secret for all of them']) {
      const made = await each(TYPES, (type, i) =>
        (doors[i % 2]?.[1] ?? tokens).create({
          app: 'shop',
          type,
          owner: 'ann',
          duration: 60,
          data: { type },
          customToken,
        }),
      );
      for (const [, door] of doors) {
        for (const { token, type: own } of made) {
          for (const type of TYPES) {
            const verifier = { app: 'shop', type, token };
            const accepts = customToken !== undefined || type === own;
            const expected: unknown = accepts ? type : undefined;
            assert.equal((await door.get(verifier))?.data.type, expected, `${own} as ${type}`);
            assert.equal((await door.update({ ...verifier, data: {} }))?.data.type, expected);
            assert.equal((await door.refresh({ ...verifier, duration: 60 }))?.data.type, expected);
            if (!accepts) assert.isFalse(await door.delete(verifier));
            assert.isUndefined(await door.get({ ...verifier, app: 'another' }));
          }
        }
      }
      // Ending one leaves the others, also where their secret is the same.
      for (const [i, { token, type }] of made.entries()) {
        assert.isTrue(await tokens.delete({ app: 'shop', type, token }));
        for (const later of made.slice(i + 1)) assert.isDefined(await tokens.get(later));
      }
    }
  });
});

describe('A token that is not alive', () => {
  const SCOPE = { app: 'shop', type: 'session' };
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await openDeployment();
  });

  afterEach(async () => {
    sinon.restore();
    await deployment.close();
  });

  it('is refused by every operation when it was never created here, and comes to no life by it', async () => {
    const { doors, redis, prefix } = deployment;
    for (const [, door] of doors) {
      for (const token of [generateToken(), 'a session id that the client chose']) {
        const input = { ...SCOPE, token };
        assert.isUndefined(await door.get(input));
        assert.isUndefined(await door.update({ ...input, data: { admin: true } }));
        assert.isUndefined(await door.refresh({ ...input, duration: 60 }));
        assert.isFalse(await door.delete(input));
        assert.isUndefined(await door.get(input));
      }
    }
    assert.deepEqual(await redis.keys(`{${prefix}:*}:[tos]:*`), []);
    assert.deepEqual(await deployment.events(), []);
  });

  it('answers a delete like any other, and never throws', async () => {
    const { doors, tokens, redis, prefix } = deployment;
    for (const [, door] of doors) {
      const own = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
      const foreign = await tokens.create({ app: 'bank', type: 'session', owner: 'ann', duration: 60 });
      const overdue = await tokens.create({ ...SCOPE, owner: 'bob', duration: 60 });
      await redis.pexpire(`{${prefix}:0}:t:${overdue.id}`, 0);
      assert.isTrue(await door.delete(own));
      for (const { token } of [
        own,
        foreign,
        overdue,
        { token: generateToken() },
        { token: 'x' },
        { token: '' },
      ]) {
        assert.isFalse(await door.delete({ ...SCOPE, token }));
        assert.isFalse(await door.delete({ ...SCOPE, token }));
      }
      assert.deepEqual(await tokens.get(foreign), foreign);
    }
  });

  it('costs the same calls whether it is unknown, of another scope, revoked or expired, and none where ill-formed', async () => {
    const { url, prefix, redis } = deployment;
    const client = new Redis(url);
    const tokens = new RedisTokens(client, { prefix });
    try {
      const make = (app = 'shop') => tokens.create({ ...SCOPE, app, owner: 'ann', duration: 60 });
      const [expired, revoked, foreign, alive] = [
        await make(),
        await make(),
        await make('bank'),
        await make(),
      ];
      await tokens.delete(revoked);
      // So that each script is known to the server, and costs one call.
      await tokens.update({ ...alive, data: {} });
      await tokens.refresh({ ...alive, duration: 60 });
      await moveIntoPast(redis, prefix, 61_000);

      const spy = sinon.spy(client, 'sendCommand');
      const calls = async (token: string) => {
        const counts: string[] = [];
        const operations = [
          () => tokens.get({ ...SCOPE, token }),
          () => tokens.update({ ...SCOPE, token, data: { a: 1 } }),
          () => tokens.refresh({ ...SCOPE, token, duration: 60 }),
          () => tokens.delete({ ...SCOPE, token }),
        ];
        for (const operation of operations) {
          spy.resetHistory();
          assert.isNotOk(await operation());
          counts.push(
            spy
              .getCalls()
              .map(({ args }) => args[0].name)
              .join(),
          );
        }
        return counts;
      };
      const dead = [
        generateToken(),
        'never made',
        foreign.token,
        revoked.token,
        expired.token,
        `${'x'.repeat(1_024)}`,
      ];
      for (const token of dead)
        assert.deepEqual(await calls(token), ['get', 'evalsha', 'evalsha', 'evalsha']);
      const wrong = alive.token.endsWith('0') ? '1' : '0';
      const illFormed = [
        '',
        'rt_',
        'rt_short',
        `${alive.token}0`,
        alive.token.slice(0, -1),
        alive.token.slice(0, -1) + wrong,
      ];
      for (const token of [
        ...illFormed,
        'x'.repeat(1_025),
        'nul\0',
        '\ud800',
        alive.token.replace(/.$/, ' '),
      ]) {
        assert.deepEqual(await calls(token), ['', '', '', ''], JSON.stringify(token));
      }
    } finally {
      await tokens.close();
      await client.quit();
    }
  });

  it('costs no call over the queue either where it is ill-formed', async () => {
    const { producer, redis } = deployment;
    const commands = async () =>
      Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
    const quiet = await commands();
    const noise = (await commands()) - quiet; // of INFO itself
    const before = await commands();
    for (const token of ['', 'rt_short', 'x'.repeat(1_025), `${generateToken()}0`]) {
      assert.isUndefined(await producer.get({ ...SCOPE, token }));
      assert.isUndefined(await producer.update({ ...SCOPE, token, data: {} }));
      assert.isUndefined(await producer.refresh({ ...SCOPE, token, duration: 1 }));
      assert.isFalse(await producer.delete({ ...SCOPE, token }));
    }
    assert.isAtMost((await commands()) - before, noise + 2); // a waiting worker may look at its queue meanwhile
  });
});
