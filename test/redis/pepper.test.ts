// Peppers with ids at the doors in process: how one takes another's place, and what is told at the start.
import { inspect } from 'node:util';
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { ConfigError, RedisTokens, type RedisTokensOptions, type Token } from '../../src/index.js';
import { Doctor } from '../../src/redis/doctor/doctor.js';
import type { Pepper } from '../../src/tokens/pepper.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { startUsers } from '../support/users.js';
import { Near, TRACKING } from './near.js';

const SCOPE = { app: 'shop', type: 'session' };
const ANN = { ...SCOPE, owner: 'ann' };
const OLD = { id: '2025', key: 'the old key, which nobody else has seen yet' };
const NEW = { id: '2026', key: Buffer.alloc(32, 'the new key') };
const NONE = { id: 'none', key: null };

describe('Peppers', () => {
  const opened = new Opened();
  let url: string;
  let prefix: string;
  let redis: Redis;

  beforeEach(async () => {
    url = (await sharedRedis()).url;
    prefix = freshPrefix();
    redis = openPlain(url);
    opened.later(redis, () => redis.disconnect());
  });

  const door = (pepper: Pepper | undefined, options: RedisTokensOptions = {}): RedisTokens =>
    opened.add(new RedisTokens(url, { prefix, pepper, ...options }));

  const make = (tokens: RedisTokens, fields: object = {}): Promise<Token> =>
    tokens.create({ ...ANN, duration: 600, data: { cart: [7] }, ...fields });

  const events = async () =>
    (await redis.xrange(`{${prefix}:0}:log`, '-', '+')).map(([, [, event]]) => JSON.parse(event as string));

  /** What a door is refused with; nothing of any key is in it. */
  async function refusal(pepper: Pepper | undefined, options: RedisTokensOptions = {}): Promise<string> {
    const error = await door(pepper, options)
      .ready()
      .then(
        () => assert.fail('it was let in'),
        (reason: unknown) => reason as Error,
      );
    assert.instanceOf(error, ConfigError);
    for (const { key } of [OLD, NEW])
      assert.notInclude(inspect(error, { depth: 9 }), String(key).slice(0, 8));
    return error.message;
  }

  describe('of which a newer one seals', () => {
    const using: Record<string, (tokens: RedisTokens, token: Token) => Promise<unknown>> = {
      get: (tokens, { token }) => tokens.get({ ...SCOPE, token }),
      update: (tokens, { token }) => tokens.update({ ...SCOPE, token, data: { more: 1 } }),
      refresh: (tokens, { token }) => tokens.refresh({ ...SCOPE, token, duration: 700 }),
      except: async (tokens, { token }) => {
        assert.equal(await tokens.deleteAll({ ...ANN, except: token }), 0);
        return tokens.getById({ ...SCOPE, id: tokens.idOf({ ...SCOPE, token }) });
      },
    };

    for (const [name, use] of Object.entries(using)) {
      it(`move what the older one sealed: ${name}`, async () => {
        const made = await make(door([OLD]), { customToken: 'a secret of our own' });
        const tokens = door([NEW, OLD]);
        const found = (await use(tokens, made)) as Token;
        const id = tokens.idOf(made);
        assert.notEqual(id, made.id);
        assert.include(found, { id, owner: 'ann', createdAt: made.createdAt });
        assert.equal((await tokens.list(ANN)).map((one) => one.id).join(), id);
        const resealed = (await events()).filter(({ type }) => type === 'token-resealed');
        assert.deepEqual(
          resealed.map(({ subject, data }) => [subject, data.successor]),
          [[made.id, id]],
        );
        assert.equal(
          (await door([NEW]).get({ ...SCOPE, token: made.token }))?.id,
          id,
          'the older is not needed',
        );
      });
    }

    it('end it: delete, consume, rotate', async () => {
      const made = await Promise.all([1, 2, 3].map(() => make(door([OLD]))));
      const tokens = door([NEW, OLD]);
      for (const [i, end] of (['delete', 'consume', 'rotate'] as const).entries()) {
        const { token } = made[i] as Token;
        assert.isOk(await tokens[end]({ ...SCOPE, token }));
        for (const each of [tokens, door([OLD, NEW]), door([NEW])])
          assert.isUndefined(await each.get({ ...SCOPE, token }), end);
      }
    });

    it('keep its expiry to the millisecond, its data to the byte, and all else', async () => {
      const data = { 'k"': '🙂 \u2028', list: [], deep: { n: 1e21 } };
      const made = await make(door([OLD]), { data, hint: true, label: 'a "phone"' });
      const key = (id: string) => `{${prefix}:0}:t:${id}`;
      const [before, ends] = [await redis.get(key(made.id)), await redis.call('PEXPIRETIME', key(made.id))];
      const tokens = door([NEW, OLD]);
      const id = tokens.idOf(made);
      assert.deepEqual(await tokens.get({ ...SCOPE, token: made.token }), { ...made, id });
      assert.equal((await redis.get(key(id)))?.replace(`,"former":"${made.id}"`, ''), before);
      assert.equal(await redis.call('PEXPIRETIME', key(id)), ends);
      for (const index of ['o:shop:session:ann', 's:shop:session']) {
        const member = index.startsWith('o') ? id : `${id}:ann`;
        assert.deepEqual(await redis.zrange(`{${prefix}:0}:${index}`, '0', '-1', 'WITHSCORES'), [
          member,
          String(ends),
        ]);
      }
    });

    it('have a token move once, however many use it at once', async () => {
      const made = await make(door([OLD]));
      const doors = Array.from({ length: 10 }, () => door([NEW, OLD]));
      const found = await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const tokens = doors[i % 10] as RedisTokens;
          return i % 3 === 0
            ? tokens.update({ ...SCOPE, token: made.token, data: { [`k${i}`]: i } })
            : tokens.get({ ...SCOPE, token: made.token });
        }),
      );
      assert.isTrue(found.every((one) => one?.token === made.token));
      assert.lengthOf(
        (await events()).filter(({ type }) => type === 'token-resealed'),
        1,
      );
      assert.lengthOf(await (doors[0] as RedisTokens).list(ANN), 1);
      assert.lengthOf(Object.keys((await doors[0]?.get({ ...SCOPE, token: made.token }))?.data ?? {}), 35);
    });

    it('end what they sealed when they are taken away', async () => {
      const [used, unused] = [await make(door([OLD])), await make(door([OLD]))];
      await door([NEW, OLD]).get({ ...SCOPE, token: used.token });
      const tokens = door([NEW]);
      assert.isOk(await tokens.get({ ...SCOPE, token: used.token }));
      assert.isUndefined(await tokens.get({ ...SCOPE, token: unused.token }));
      assert.isUndefined(await tokens.update({ ...SCOPE, token: unused.token, data: {} }));
      assert.isFalse(await tokens.delete({ ...SCOPE, token: unused.token }));
      assert.lengthOf(await tokens.list(ANN), 2, 'until its time is over, it is listed');
    });

    it('are rolled out while all doors are in use', async () => {
      const stages: Pepper[][] = [
        [[OLD]],
        [[OLD], [OLD, NEW]],
        [[OLD, NEW]],
        [
          [OLD, NEW],
          [NEW, OLD],
        ],
        [[NEW, OLD]],
        [[NEW, OLD], [NEW]],
        [[NEW]],
      ];
      const made: Token[] = [];
      for (const [i, peppers] of stages.entries()) {
        const doors = peppers.map((pepper) => door(pepper));
        for (const tokens of doors) made.push(await make(tokens, { owner: `owner-${i}` }));
        for (const { token } of made)
          for (const tokens of doors) {
            const found = await tokens.update({ ...SCOPE, token, data: { stage: i } });
            assert.deepInclude(found?.data, { stage: i });
          }
        for (const tokens of doors) {
          await tokens.close();
          // As time does between two stages: what was moved just now may be moved back from now on.
          for (const key of await redis.keys(`{${prefix}:0}:t:*`)) {
            const text = (await redis.get(key)) as string;
            if (!text.startsWith('[0,')) continue;
            await redis.set(key, text.replace(/\d+\]$/, '0]'), 'KEEPTTL');
          }
        }
      }
      const doctor = opened.add(new Doctor(url, { prefix }));
      assert.deepEqual((await doctor.examine()).problems, []);
      assert.equal(await door([NEW]).count(SCOPE), made.length);
    });

    it('move no token for who may only read, and it is read all the same', async () => {
      const users = await startUsers();
      try {
        url = users.url;
        const made = await make(door([OLD]));
        const tokens = door([NEW, OLD]);
        await tokens.ready();
        const reader = opened.add(
          new RedisTokens(await users.urlOf('reader', prefix), { prefix, pepper: [NEW, OLD] }),
        );
        assert.include(await reader.get({ ...SCOPE, token: made.token }), { id: made.id, token: made.token });
        assert.include(await tokens.get({ ...SCOPE, token: made.token }), { id: tokens.idOf(made) });
        assert.include(await reader.get({ ...SCOPE, token: made.token }), { id: tokens.idOf(made) });
      } finally {
        await opened.close();
        await users.stop();
      }
    });

    it('move no token where memory is full, and it is read all the same', async () => {
      const users = await startUsers();
      try {
        url = users.url;
        const made = await make(door([OLD]));
        const tokens = door([NEW, OLD]);
        await tokens.ready();
        await users.admin.config('SET', 'maxmemory', '1');
        assert.include(await tokens.get({ ...SCOPE, token: made.token }), { id: made.id });
        assert.isTrue(await tokens.delete({ ...SCOPE, token: made.token }));
        await users.admin.config('SET', 'maxmemory', '0');
        assert.isUndefined(await tokens.get({ ...SCOPE, token: made.token }));
      } finally {
        await opened.close();
        await users.stop();
      }
    });
  });

  describe('and the cost of a read', () => {
    async function commandsOf(run: () => Promise<unknown>): Promise<string[]> {
      const monitor = await redis.monitor();
      opened.later(monitor, () => monitor.disconnect());
      const seen: string[] = [];
      monitor.on('monitor', (_: string, [name = '', ...args]: string[], source: string) => {
        if (source !== 'lua' && args.some((arg) => arg.includes(prefix))) seen.push(name.toLowerCase());
      });
      await run();
      await redis.get(`${prefix} over`);
      await eventually('all is seen', () => seen.length > 0 && seen.at(-1) === 'get');
      return seen.slice(0, -1);
    }

    it('is one GET with one pepper, be the token known or not; two where it is under none of two', async () => {
      const peppers: [Pepper | undefined, unknown: string[]][] = [
        [undefined, ['get']],
        [OLD.key, ['get']],
        [[OLD], ['get']],
        [
          [OLD, NEW],
          ['get', 'mget'],
        ],
      ];
      for (const [pepper, unknown] of peppers) {
        prefix = freshPrefix();
        const tokens = door(pepper);
        const { token } = await make(tokens);
        assert.deepEqual(await commandsOf(() => tokens.get({ ...SCOPE, token })), ['get']);
        assert.deepEqual(await commandsOf(() => tokens.get({ ...SCOPE, token: 'unknown' })), unknown);
      }
    });
  });

  describe('are told at the start', () => {
    it('where another key stands behind an id', async () => {
      await door([OLD]).ready();
      assert.include(
        await refusal([{ ...OLD, key: 'x'.repeat(32) }]),
        'the pepper "2025" has another key here',
      );
      assert.include(await refusal([{ ...OLD, key: 'x'.repeat(32) }, NEW]), '"2025"');
      const tokens = door([{ ...OLD, key: 'x'.repeat(32) }]);
      const error = await make(tokens).then(
        () => assert.fail(),
        (reason: unknown) => reason,
      );
      assert.instanceOf(error, ConfigError, 'a first operation is told as well');
      assert.equal(await redis.exists(`{${prefix}:0}:log`), 0, 'and makes nothing');
    });

    it('where it is one key without an id', async () => {
      await door(OLD.key).ready();
      assert.include(await refusal('x'.repeat(32)), 'the pepper without an id has another key here');
      await door([OLD]).ready(); // the same key, with an id from now on
      await door(OLD.key).ready();
    });

    it('where none is given in a deployment that has one, and the other way round', async () => {
      await door([OLD]).ready();
      assert.include(
        await refusal(undefined),
        'sealed with the pepper "2025" in this deployment, and none is given',
      );
      prefix = freshPrefix();
      await door(undefined).ready();
      assert.include(await refusal([OLD]), "list { id: 'none', key: null }");
      await door([OLD, NONE]).ready();
      assert.include(await refusal(undefined), 'the pepper "2025"');
    });

    it('where the one that seals is left out', async () => {
      await door([OLD]).ready();
      await door([OLD, NEW]).ready();
      await door([OLD]).ready(); // nothing was sealed with the new one yet
      await door([NEW, OLD]).ready();
      await door([OLD, NEW]).ready(); // which is restarted last
      assert.include(
        await refusal([OLD]),
        'sealed with the pepper "2026" in this deployment, which is not among',
      );
      await door([NEW]).ready();
    });

    it('to who would move tokens of redis-tokens 0.0 without any', () => {
      assert.throws(
        () => new RedisTokens(url, { prefix, pepper: false, migrateFrom: {} }),
        ConfigError,
        'migrateFrom',
      );
    });

    it('by no word of who seals nothing', async () => {
      await door([OLD]).ready();
      const office = door(false);
      assert.equal(await office.count(SCOPE), 0);
      const before = await redis.hgetall(`{${prefix}}:meta`);
      assert.deepEqual(Object.keys(before).sort(), [
        'layout',
        'maxCommandAge',
        'pepper',
        'pepper:2025',
        'shards',
      ]);
      assert.notInclude(JSON.stringify(before), OLD.key);
    });
  });

  describe('where there were none', () => {
    it('take over what was sealed without one', async () => {
      const made = await Promise.all(Array.from({ length: 3 }, () => make(door(undefined))));
      await door([NONE, NEW]).ready();
      const tokens = door([NEW, NONE]);
      for (const { token } of made.slice(0, 2))
        assert.equal((await tokens.get({ ...SCOPE, token }))?.id, tokens.idOf({ ...SCOPE, token }));
      const last = door([NEW]);
      assert.deepEqual(
        (await Promise.all(made.map(({ token }) => last.get({ ...SCOPE, token })))).map(Boolean),
        [true, true, false],
      );
    });
  });
});

describe('A near cache, where another process moves a token to a newer pepper,', () => {
  const world = new Near();

  it('forgets what it kept under the older, and keeps it under the newer', async () => {
    const prefix = `${world.prefix}-p`;
    const [near, newer] = [
      await world.open(undefined, { prefix, pepper: [OLD, NEW] }),
      await world.open(undefined, { prefix, pepper: [NEW, OLD] }),
    ];
    const made = await near.create({ ...ANN, duration: 600 });
    await eventually('it is kept', () => world.isNear(made, near));
    const id = newer.idOf(made);
    assert.include(await newer.get({ ...SCOPE, token: made.token }), { id });
    await eventually('it is heard', async () => (await near.get({ ...SCOPE, token: made.token }))?.id === id);
    await eventually('it is kept there', () => world.isNear({ ...made, id }, newer));
    await newer.delete({ ...SCOPE, token: made.token });
    await eventually('it is heard', async () => !(await near.get({ ...SCOPE, token: made.token })));
  });

  for (const [knows, pepper] of [
    ['both', [OLD, NEW]],
    ['the older alone', [OLD]],
  ] as const) {
    it(`shows what its own process has changed, which knows ${knows}, though its invalidation is still on the way`, async () => {
      const prefix = `${world.prefix}-p${pepper.length}`;
      const older = await world.open(undefined, { prefix, pepper });
      const newer = world.opened.add(new RedisTokens(world.way.url, { prefix, pepper: [NEW, OLD] }));
      const { token, id: former } = await older.create({ ...ANN, duration: 600 });
      const byId = (id: string) => older.getById({ ...SCOPE, id });
      const id = newer.idOf({ ...SCOPE, token });
      await newer.get({ ...SCOPE, token });
      let sent = '';
      world.way.onSent = (text) => {
        sent += text;
      };
      const kept = () =>
        eventually('it is kept', async () => {
          sent = '';
          return (await byId(id)) && !sent.includes(id);
        });
      await kept();
      world.way.holdWhere(TRACKING);
      await older.update({ ...SCOPE, token, data: { more: 1 } });
      assert.deepInclude(await byId(id), { id, data: { more: 1 } });
      assert.deepInclude(await byId(former), { id, data: { more: 1 } });
      world.way.release();
      await kept();
      world.way.holdWhere(TRACKING);
      await older.rotate({ ...SCOPE, token });
      assert.isUndefined(await byId(id));
    });
  }
});
