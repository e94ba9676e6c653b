// `redis-tokens migrate`: what it moves, leaves behind, removes and says; on tokens that redis-tokens 0.0 itself wrote.
import { expect } from 'chai';
import { RedisTokens } from '../../src/index.js';
import type { MoveSummary } from '../../src/migration/migration.js';
import { ANN, OldRedis, type OldToken, SHOP } from '../migration/old-redis.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { Way } from '../support/way.js';
import { start } from './command.js';
import { run } from './in-process.js';

const TEN_YEARS = 10 * 366 * 86_400;

describe('redis-tokens migrate', function () {
  this.timeout(60_000);

  const opened = new Opened();
  let old: OldRedis;
  let prefix: string;
  let env: Record<string, string>;

  before(async () => {
    old = await OldRedis.start();
  });

  after(() => old.stop());

  beforeEach(async () => {
    prefix = freshPrefix();
    env = {
      REDIS_URL: old.url,
      REDIS_TOKENS_PREFIX: prefix,
      REDIS_TOKENS_MIGRATE_FROM: old.url,
      REDIS_TOKENS_PEPPER: 'p'.repeat(32),
    };
    await old.redis.flushall();
  });

  const migrate = async (...args: string[]): Promise<MoveSummary & { status: number }> => {
    const { status, stdout, stderr } = await run(['migrate', '--json', ...args], { env });
    expect(stderr).equal('');
    return { status, ...(JSON.parse(stdout) as MoveSummary) };
  };

  const open = () => opened.add(new RedisTokens(old.url, { prefix, pepper: 'p'.repeat(32) }));
  const get = (tokens: RedisTokens, { token }: OldToken) => tokens.get({ ...SHOP, token });

  it('moves tokens with their expiry to the millisecond, once, and removes the old ones with --delete', async () => {
    const made = await old.createMany(250);
    const expiries = await Promise.all(made.map((token) => old.redis.pexpiretime(old.keyOf(token))));
    expect(await migrate()).deep.include({
      status: 0,
      complete: true,
      found: 250,
      moved: 250,
      present: 0,
      removed: 0,
      leftBehind: {},
    });
    const tokens = open();
    const records = await Promise.all(made.map((token) => get(tokens, token)));
    expect(records.map((record) => record?.data)).deep.equal(made.map(({ data }) => data));
    expect(records.map((record) => record?.expiresAt)).deep.equal(expiries);
    expect(await old.redis.xlen(`{${prefix}:0}:log`)).equal(250);

    expect(await migrate('--delete')).include({
      status: 0,
      found: 250,
      moved: 0,
      present: 250,
      removed: 250,
    });
    expect(await old.redis.keys('app:*')).deep.equal([]);
    expect(await tokens.list({ ...ANN, limit: 1_000 })).length(250);
    expect(await migrate('--delete')).include({ status: 0, found: 0 });
    expect(await old.redis.xlen(`{${prefix}:0}:log`)).equal(250);
  });

  it('tells in words what is left behind and why, and shows no token', async () => {
    await old.createMany(2);
    await old.create({ duration: 0 });
    await old.create({ duration: TEN_YEARS + 60 });
    await old.create({ owner: '' });
    await old.create({ owner: 'ann|token:x', customToken: 'secret-1' });
    await old.create({ customToken: `rt_${'secret'.repeat(3)}` });
    await old.create({ customToken: 'secret'.repeat(200) });
    await old.create({ data: { text: 'x'.repeat(99) } });
    const broken = await old.createMany(3);
    await old.redis.set(old.keyOf(broken[0] as OldToken), '{', 'KEEPTTL');
    await old.redis.set(old.keyOf(broken[1] as OldToken), '[]', 'KEEPTTL');
    await old.redis.del(old.keyOf(broken[2] as OldToken));
    await old.redis.hset(old.keyOf(broken[2] as OldToken), 'a', 'b');
    const small = { ...env, REDIS_TOKENS_MAX_DATA_BYTES: '100' };
    const { status, stdout, stderr } = await run(['migrate', '--delete'], { env: small });
    expect({ status, stderr }).deep.equal({ status: 1, stderr: '' });
    expect(stdout)
      .match(/^found +10$/m)
      .match(/^moved +0$/m)
      .match(/^left behind +10$/m);
    for (const [reason, count] of Object.entries({
      'no-expiry': 1,
      'too-long': 1,
      name: 2,
      token: 2,
      data: 1,
      unreadable: 3,
    }))
      expect(stdout).match(new RegExp(`^  ${reason} +${count} \\(`, 'm'));
    expect(stdout).not.contain('secret').not.contain('old-token');
    expect(await old.redis.keys('app:*')).length(10);
    expect(await migrate('--duration', '7d')).include({ status: 1, moved: 2 });
  });

  it('writes nothing with --dry-run', async () => {
    const [there] = await old.createMany(3);
    expect(await migrate('--dry-run', '--delete')).include({ status: 0, dryRun: true, moved: 3, removed: 0 });
    await open().create({ ...ANN, customToken: (there as OldToken).token, duration: 60 });
    const before = await old.everything();
    expect(await migrate('--dry-run', '--delete')).deep.include({
      status: 1,
      moved: 2,
      leftBehind: { different: 1 },
    });
    expect(await old.everything()).deep.equal(before);
    const text = await run(['migrate', '--dry-run'], { env });
    expect(text.stdout)
      .match(/^to move +2$/m)
      .match(/\nnothing was written\n$/);
  });

  it('ends on Ctrl-C and on SIGTERM after the step at hand, and goes on when it is run again', async () => {
    await old.createMany(3_000);
    const way = opened.add(await Way.open(old.url));
    way.delay = 50;
    let moved = 0;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const reached = new Promise<void>((resolve) => {
        way.onSent = (sent) => {
          if (/\bscan\b/i.test(sent)) resolve();
        };
      });
      const child = start(['migrate', '--from', way.url], { env });
      opened.later(child, () => child.kill());
      await reached;
      child.process.kill(signal);
      const { status, stdout, stderr } = await child.ended;
      expect({ status, stderr }).deep.equal({
        status: 4,
        stderr: 'redis-tokens: stopped: run it again for the rest\n',
      });
      moved += Number(/^moved +(\d+)$/m.exec(stdout)?.[1]);
      expect(moved).below(3_000);
    }
    const rest = await migrate();
    expect(rest).include({ status: 0, complete: true, present: moved, moved: 3_000 - moved });
    expect(await old.redis.zcard(`{${prefix}:0}:s:shop:session`)).equal(3_000);
  });

  it('refuses what can not work, and tells which Redis it is', async () => {
    const [none, wrong, unreachable, noDatabase, long] = await Promise.all([
      run(['migrate'], { env: { ...env, REDIS_TOKENS_MIGRATE_FROM: '' } }),
      run(['migrate', '--from', 'http://me:secret@x'], { env }),
      run(['migrate', '--from', 'redis://127.0.0.1:1', '--timeout', '300'], { env }),
      run(['migrate', '--from', `${old.url}/99`], { env }),
      run(['migrate', '--duration', '20000d'], { env }),
    ]);
    expect([none, wrong, unreachable, noDatabase, long].map(({ status }) => status)).deep.equal([
      2, 2, 3, 2, 2,
    ]);
    expect(none.stderr).contain('--from');
    expect(wrong.stderr)
      .match(/--from: a URL must be of the form/)
      .not.contain('secret');
    expect(unreachable.stderr).match(/where the old tokens are: Redis can not be reached/);
    expect(noDatabase.stderr).match(/where the old tokens are: Redis has no database 99/);
    expect(long.stderr).match(/--duration must be at most ten years/);
    expect(await old.redis.keys('*')).deep.equal([]);
  });
});
