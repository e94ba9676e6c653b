// What a migration leaves alone, and how exact it is; on tokens that redis-tokens 0.0 itself wrote.
import { expect } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Migration, type MoveOptions } from '../../src/migration/migration.js';
import type { OldEntry } from '../../src/migration/old-store.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { MoverFixture } from './mover-fixture.js';
import { OldRedis, type OldToken, SHOP } from './old-redis.js';

describe('Migration', () => {
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

  const migrate = (options: MoveOptions = {}, from = old.url) =>
    opened.add(new Migration(from, old.url, { prefix })).run(options);

  const open = () => opened.add(new RedisTokens(old.url, { prefix }));
  const get = (tokens: RedisTokens, { token }: OldToken) => tokens.get({ ...SHOP, token });

  it('leaves alone what was changed here, and does not bring back what was revoked here', async () => {
    const [updated, refreshed, deleted, kept] = (await old.createMany(4)) as [
      OldToken,
      OldToken,
      OldToken,
      OldToken,
    ];
    const bob = await old.create({ owner: 'bob', customToken: 'of-bob' });
    expect(await migrate()).include({ moved: 5 });
    const tokens = open();
    await tokens.update({ ...SHOP, token: updated.token, data: { new: true } });
    await tokens.refresh({ ...SHOP, token: refreshed.token, duration: 600 });
    await tokens.delete({ ...SHOP, token: deleted.token });
    await tokens.deleteAll({ ...SHOP, owner: 'bob' });
    const again = await migrate({ remove: true });
    expect(again).deep.include({
      moved: 0,
      present: 1,
      removed: 1,
      leftBehind: { different: 2, revoked: 2 },
    });
    expect((await get(tokens, updated))?.data).deep.equal({ ...updated.data, new: true });
    expect((await get(tokens, refreshed))?.version).equal(2);
    expect(await get(tokens, deleted)).equal(undefined);
    expect(await get(tokens, bob)).equal(undefined);
    expect((await get(tokens, kept))?.version).equal(1);
  });

  it('removes an old token only as it was read', async () => {
    const made = await old.createMany(3);
    const fixture = opened.add(await MoverFixture.open(old.url, prefix));
    const read = await fixture.read(made.map((token) => old.keyOf(token)));
    await old.tokens.update({ ...SHOP, token: (made[0] as OldToken).token, data: { new: true } });
    await old.redis.pexpire(read[1]?.key as string, 50_000);
    expect(await fixture.old.remove(read)).deep.equal(['changed', 'changed', 'removed']);
    expect(await fixture.old.remove(read)).deep.equal(['changed', 'changed', 'gone']);
  });

  it('takes one for dead that was used here, and ended, between its create and a look at why that was refused', async () => {
    const [made] = (await old.createMany(1)) as [OldToken];
    const fixture = opened.add(await MoverFixture.open(old.url, prefix));
    const [read] = (await fixture.read([old.keyOf(made)])) as [OldEntry];
    const tokens = open();
    expect(await fixture.mover.move(read)).equal('moved');
    fixture.beforeLook = () => tokens.delete({ ...SHOP, token: made.token });
    expect(await fixture.mover.move(read)).equal('revoked');
    expect(await get(tokens, made)).equal(undefined);
  });

  it('keeps the millisecond where the old Redis does not know PEXPIRETIME', async () => {
    const made = await old.createMany(50);
    await old.redis.acl('SETUSER', 'six', 'on', '>word', '~*', '&*', '+@all', '-pexpiretime');
    const expiries = await Promise.all(made.map((token) => old.redis.pexpiretime(old.keyOf(token))));
    expect(await migrate({ remove: true }, old.url.replace('//', '//six:word@'))).include({
      moved: 50,
      removed: 50,
    });
    const tokens = open();
    const records = await Promise.all(made.map((token) => get(tokens, token)));
    expect(records.map((record) => record?.expiresAt)).deep.equal(expiries);
  });
});
