// The option `migrateFrom`: tokens that redis-tokens 0.0 wrote are moved as they are used, and end as they are revoked.
import { expect } from 'chai';
import { RedisTokens, type RedisTokensOptions, type Token } from '../../src/index.js';
import { Migration } from '../../src/migration/migration.js';
import type { PepperKey } from '../../src/tokens/pepper.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { MoverFixture } from './mover-fixture.js';
import { ANN, OldRedis, type OldToken, SHOP } from './old-redis.js';

describe('migrateFrom', () => {
  const opened = new Opened();
  let old: OldRedis;
  let prefix: string;

  before(async () => {
    old = await OldRedis.start();
  });

  after(() => old.stop());

  beforeEach(async () => {
    prefix = freshPrefix();
    await old.redis.flushall();
  });

  const open = (options: RedisTokensOptions = {}) =>
    opened.add(new RedisTokens(old.url, { prefix, migrateFrom: {}, ...options }));

  const record = (id: string) => old.redis.get(`{${prefix}:0}:t:${id}`);

  /** Types of the events so far, in their order. */
  const events = async (): Promise<string[]> => {
    const log = await old.redis.xrange(`{${prefix}:0}:log`, '-', '+');
    return log.map(([, [, event]]) => JSON.parse(event as string).type);
  };

  const forgetMarks = () => old.redis.del(`{${prefix}:0}:revoked`);

  it('answers a token as it was, with the bytes of its values and its expiry to the millisecond', async () => {
    const data = { big: 1e21, text: 'x"é\u2028\ud800', list: [1, 2.5, { a: null }], 7: 'seven', none: null };
    const made = await old.create({ data, duration: 3_600 });
    await old.redis.pexpire(old.keyOf(made), 1_234_567);
    const expiresAt = await old.redis.pexpiretime(old.keyOf(made));
    const tokens = open();
    const found = (await tokens.get({ ...SHOP, token: made.token })) as Token;
    expect(found).deep.include({ ...ANN, data: made.data, token: made.token, version: 1, expiresAt });
    expect(found.createdAt).below(Date.now());
    expect(await old.redis.pexpiretime(`{${prefix}:0}:t:${found.id}`)).equal(expiresAt);
    const stored = JSON.parse((await record(found.id)) as string).slice(7);
    expect(stored).deep.equal(
      Object.entries(made.data).flatMap(([key, value]) => [key, JSON.stringify(value)]),
    );
    expect(await old.redis.exists(old.keyOf(made))).equal(0);
    expect(await tokens.get({ ...SHOP, token: made.token })).deep.equal(found);
    expect(await events()).deep.equal(['token-created']);
  });

  const USES: Record<string, (tokens: RedisTokens, token: string) => Promise<unknown>> = {
    update: async (tokens, token) => {
      const updated = await tokens.update({ ...SHOP, token, data: { b: 2 } });
      expect(updated).deep.include({ owner: 'ann', data: { a: 1, b: 2 }, version: 2 });
    },
    refresh: async (tokens, token) => {
      const refreshed = await tokens.refresh({ ...SHOP, token, duration: 600 });
      expect(refreshed?.expiresAt).within(Date.now() + 595_000, Date.now() + 600_000);
    },
    consume: async (tokens, token) => {
      const both = [tokens.consume({ ...SHOP, token }), tokens.consume({ ...SHOP, token })];
      const consumed = (await Promise.all(both)).filter((found) => found !== undefined);
      expect(consumed).length(1);
      expect(consumed[0]?.data).deep.equal({ a: 1 });
      await forgetMarks();
      expect(await open().get({ ...SHOP, token })).equal(undefined);
    },
    getById: async (tokens, token) => {
      const id = tokens.idOf({ ...SHOP, token });
      expect(await tokens.getById({ ...SHOP, id })).deep.include({ id, owner: 'ann', data: { a: 1 } });
    },
    deleteById: async (tokens, token) => {
      const id = tokens.idOf({ ...SHOP, token });
      expect(await tokens.deleteById({ ...SHOP, id, owner: 'bob' })).equal(false);
      expect(await tokens.deleteById({ ...SHOP, id, owner: 'ann' })).equal(true);
      expect(await tokens.get({ ...SHOP, token })).equal(undefined);
    },
    create: async (tokens, token) => {
      const failure = await rejection(
        tokens.create({ ...SHOP, owner: 'eve', duration: 9, customToken: token }),
      );
      expect(failure.code).equal('TOKEN_EXISTS');
    },
    'create with a limit': async (tokens) => {
      const failure = await rejection(tokens.create({ ...ANN, duration: 9, limit: { max: 1 } }));
      expect(failure.code).equal('LIMIT_EXCEEDED');
    },
    list: async (tokens) => {
      expect(await tokens.list(ANN)).length(1);
    },
    count: async (tokens) => {
      expect(await tokens.count(SHOP)).equal(1);
    },
    owners: async (tokens) => {
      expect((await tokens.owners(SHOP)).owners).deep.equal([{ owner: 'ann', count: 1 }]);
    },
  };
  for (const [use, check] of Object.entries(USES)) {
    it(`finds by ${use} what was not moved yet`, async () => {
      const { token } = await old.create({ data: { a: 1 } });
      await check(open(), token);
    });
  }

  it('moves a token once, however many processes are asked for it at once', async () => {
    const made = await old.create({ data: { a: 1 } });
    const doors = Array.from({ length: 4 }, () => open());
    await Promise.all(doors.map((door) => door.ready()));
    const asked = doors.flatMap((door) =>
      Array.from({ length: 10 }, () => door.get({ ...SHOP, token: made.token })),
    );
    for (const found of await Promise.all(asked)) expect(found?.data).deep.equal({ a: 1 });
    expect(await events()).deep.equal(['token-created']);
    expect(await doors[0]?.list(ANN)).length(1);
  });

  it('ends a token that was not moved yet, for good', async () => {
    const made = await old.create();
    const tokens = open();
    expect(await tokens.delete({ ...SHOP, token: made.token })).equal(true);
    expect(await tokens.delete({ ...SHOP, token: made.token })).equal(false);
    expect(await old.redis.exists(old.keyOf(made))).equal(0);
    expect(await events()).deep.equal(['token-created', 'token-revoked']);
    await forgetMarks();
    expect(await open().get({ ...SHOP, token: made.token })).equal(undefined);
  });

  it('does not bring back what was revoked after another process had read it', async () => {
    const [one, two] = await old.createMany(2);
    const fixture = opened.add(await MoverFixture.open(old.url, prefix));
    const read = await fixture.read([one, two].map((made) => old.keyOf(made as OldToken)));
    const tokens = open();
    await tokens.delete({ ...SHOP, token: (one as OldToken).token });
    await tokens.deleteAll(ANN);
    expect(await Promise.all(read.map((entry) => fixture.mover.move(entry)))).deep.equal([
      'revoked',
      'revoked',
    ]);
    expect(await tokens.list(ANN)).deep.equal([]);
  });

  it('removes the old token of one that is here already, so that its end is the end', async () => {
    const made = await old.create({ data: { a: 1 } });
    const migration = opened.add(new Migration(old.url, old.url, { prefix }));
    expect(await migration.run()).include({ moved: 1, removed: 0 });
    const tokens = open();
    await tokens.update({ ...SHOP, token: made.token, data: { a: 2 } });
    expect((await tokens.get({ ...SHOP, token: made.token }))?.data).deep.equal({ a: 2 });
    expect(await old.redis.exists(old.keyOf(made))).equal(0);
  });

  it('ends all tokens of an owner, of a type and of an app, moved or not, each with its event', async () => {
    const tokens = open();
    const [kept, moved] = await old.createMany(3);
    await old.create({ owner: 'bob' });
    await old.create({ type: 'key' });
    await tokens.get({ ...SHOP, token: (moved as OldToken).token });
    expect(await tokens.deleteAll({ ...ANN, except: (kept as OldToken).token })).equal(2);
    expect((await tokens.list(ANN)).map(({ data }) => data)).deep.equal([kept?.data]);
    expect(await tokens.deleteAll(ANN)).equal(1);
    expect(await tokens.deleteScope(SHOP)).equal(1);
    expect(await tokens.deleteApp({ app: 'shop' })).equal(1);
    expect((await events()).filter((type) => type === 'token-revoked')).length(5);
    expect(await old.redis.keys('app:*')).deep.equal([]);
  });

  it('hears of tokens that redis-tokens 0.0 makes, changes and ends meanwhile', async () => {
    const tokens = open();
    await tokens.ready();
    const made = await old.create({ owner: 'ann, and |bob', data: { a: 1 } });
    await old.tokens.update({ ...SHOP, token: made.token, data: { a: 2 } });
    const found = await eventually('it is heard of', () => tokens.get({ ...SHOP, token: made.token }));
    expect(found).deep.include({ owner: 'ann, and |bob', data: { a: 2 } });
    const ended = await old.create();
    await old.tokens.delete({ ...SHOP, token: ended.token });
    expect(await tokens.get({ ...SHOP, token: ended.token })).equal(undefined);
  });

  it('knows what came while its connection was lost', async () => {
    const tokens = open();
    await tokens.ready();
    await old.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const made = await old.create();
    await eventually('it is heard of', () => tokens.get({ ...SHOP, token: made.token }));
  });

  it('walks over no keys for an operation', async () => {
    const tokens = open();
    await tokens.ready();
    const walks = async () =>
      [...(await old.redis.info('commandstats')).matchAll(/cmdstat_(?:scan|keys):calls=(\d+)/g)].map(String);
    const made = await old.create();
    await eventually('it is heard of', () => tokens.get({ ...SHOP, token: made.token }));
    const before = await walks();
    await tokens.get({ ...SHOP, token: 'unknown' });
    await tokens.delete({ ...SHOP, token: made.token });
    await tokens.deleteAll(ANN);
    expect(await walks()).deep.equal(before);
  });

  it('gives tokens that never expire a life where it is told how long, and ends them in any case', async () => {
    const [one, two] = [await old.create({ duration: 0 }), await old.create({ duration: 0 })];
    const strict = open();
    expect(await strict.get({ ...SHOP, token: one.token })).equal(undefined);
    expect(await strict.delete({ ...SHOP, token: one.token })).equal(true);
    expect(await old.redis.exists(old.keyOf(one))).equal(0);
    const lenient = open({ migrateFrom: { duration: 600 } });
    const found = await lenient.get({ ...SHOP, token: two.token });
    expect(found?.expiresAt).within(Date.now() + 595_000, Date.now() + 600_000);
  });

  it('takes the one that it finds first where owners share a token, and ends both', async () => {
    const customToken = 'shared';
    const both = [await old.create({ customToken }), await old.create({ customToken, owner: 'bob' })];
    const tokens = open();
    expect(['ann', 'bob']).contain((await tokens.get({ ...SHOP, token: customToken }))?.owner);
    expect(await old.redis.exists(both.map((made) => old.keyOf(made)))).equal(0);
    await tokens.delete({ ...SHOP, token: customToken });
    expect(await tokens.get({ ...SHOP, token: customToken })).equal(undefined);
  });

  it('does not let a token live longer that expires on its way', async () => {
    const made = await old.create();
    const fixture = opened.add(await MoverFixture.open(old.url, prefix));
    const [entry] = await fixture.read([old.keyOf(made)]);
    const expiresAt = Date.now() + 3;
    const asked = Array.from({ length: 200 }, () =>
      fixture.mover.move({ ...entry, key: old.keyOf(made), text: '{}', expiresAt }),
    );
    await Promise.all(asked);
    await eventually('it is over', () => Date.now() > expiresAt);
    expect(await fixture.mover.move({ key: old.keyOf(made), text: '{}', expiresAt })).equal('expired');
    expect(await open({ migrateFrom: undefined }).get({ ...SHOP, token: made.token })).equal(undefined);
  });

  it('works with the near cache, with shards and with a pepper', async () => {
    const options = { cache: {}, shards: 4, pepper: 'p'.repeat(32) };
    const made = await old.createMany(20);
    const tokens = open(options);
    for (const { token, data } of made) expect((await tokens.get({ ...SHOP, token }))?.data).deep.equal(data);
    for (const { token, data } of made) expect((await tokens.get({ ...SHOP, token }))?.data).deep.equal(data);
    expect(await tokens.deleteAll(ANN)).equal(20);
    for (const { token } of made) expect(await tokens.get({ ...SHOP, token })).equal(undefined);
  });

  it('knows a token that is here under an older pepper, and stands among the old ones again', async () => {
    const [older, newer] = ['a', 'b'].map((id) => ({ id, key: id.repeat(32) })) as [PepperKey, PepperKey];
    const made = await old.create({ duration: 600 });
    const pexpiretime = await old.redis.pexpiretime(old.keyOf(made));
    const text = (await old.redis.get(old.keyOf(made))) as string;
    const before = await open({ pepper: [older, newer] }).get({ ...SHOP, token: made.token });
    await old.redis.set(old.keyOf(made), text, 'PXAT', pexpiretime); // as where a process ends before it is removed
    const tokens = open({ pepper: [newer, older], timeout: 2_000 });
    const { id, ...found } = (await tokens.get({ ...SHOP, token: made.token })) as Token;
    expect(before).deep.include(found);
    expect(id).not.equal(before?.id);
    expect(await old.redis.exists(old.keyOf(made))).equal(0);
  });

  it('refuses options that can not work, and a Redis that does not tell of changes', async () => {
    const refused = (migrateFrom: object) => () => new RedisTokens(old.url, { migrateFrom });
    expect(refused({ url: old.url })).throw('migrateFrom: unknown option "url"');
    expect(refused({ duration: -1 })).throw('option "duration" must be more than 0 seconds');
    expect(refused({ connection: 'http://x' })).throw('redis://host:port');
    await old.redis.acl('SETUSER', 'still', 'on', '>word', '~*', '&*', '+@all', '-client|tracking');
    const tokens = open({ migrateFrom: { connection: old.url.replace('//', '//still:word@') } });
    const failure = await rejection(tokens.get({ ...SHOP, token: 'unknown' }));
    expect(failure)
      .include({ code: 'CONFIG' })
      .property('message')
      .match(/^option "migrateFrom" needs CLIENT TRACKING/);
  });
});
