// `redis-tokens events`: what it prints of what has happened, and that it ends.
import { expect } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Child, shellCommand } from './command.js';
import { run } from './in-process.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

describe('redis-tokens events', function () {
  this.timeout(30_000);

  const opened = new Opened();
  let env: Record<string, string>;
  let tokens: RedisTokens;

  beforeEach(async () => {
    const { url } = await sharedRedis();
    env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: freshPrefix() };
    tokens = opened.add(new RedisTokens(url, { prefix: env.REDIS_TOKENS_PREFIX }));
  });

  const events = (...args: string[]) => run(['events', ...args], { env });

  it('prints what there was, as watch does, and ends', async () => {
    const { id } = await tokens.create({ ...ANN, duration: 60 });
    const other = await tokens.create({ ...ANN, owner: 'bob', duration: 60 });
    await tokens.deleteAll({ ...ANN, reason: 'password changed', by: 'user' });
    const about = 'app=shop type=session owner=ann version=1';
    const [all, anns, revoked, none, soon] = await Promise.all([
      events('--since', '1h', '--json'),
      events('--owner', 'ann'),
      events('--event', 'token-revoked', 'token-expired', '--app', 'shop'),
      events('--app', 'other'),
      events('--since', '0'),
    ]);
    expect(all).include({ status: 0, stderr: '' });
    const parsed = all.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(parsed.map(({ type, subject }) => [type, subject])).deep.equal([
      ['token-created', id],
      ['token-created', other.id],
      ['token-revoked', id],
    ]);
    const withoutTime = ({ stdout }: { stdout: string }) => stdout.replaceAll(/^\S+Z /gm, '');
    const revocation = `token-revoked   ${id} ${about} reason=password changed by=user\n`;
    expect(withoutTime(anns)).equal(`token-created   ${id} ${about}\n${revocation}`);
    expect(withoutTime(revoked)).equal(revocation);
    for (const nothing of [none, soon]) expect(nothing).deep.equal({ status: 0, stdout: '', stderr: '' });
  });

  it('prints the newest with --limit, and tells that there were more', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await tokens.create({ ...ANN, duration: 60 })).id);
    const shown = ({ stdout }: { stdout: string }) => stdout.match(/[\w-]{22}(?= app=)/g);
    const [two, five, six] = await Promise.all(['2', '5', '6'].map((limit) => events('--limit', limit)));
    expect(shown(two as { stdout: string })).deep.equal(ids.slice(3));
    expect(two?.stderr).equal('redis-tokens: the newest 2 of 5; --limit shows more\n');
    for (const all of [five, six]) {
      expect(shown(all as { stdout: string })).deep.equal(ids);
      expect(all?.stderr).equal('');
    }
    for (const wrong of [
      ['--limit', '0'],
      ['--since', 'yesterday'],
      ['--event', 'bogus'],
    ])
      expect(await events(...wrong)).include({ status: 2, stdout: '' });
  });

  it('tells where the log reaches back no further', async () => {
    for (let i = 0; i < 3; i++) await tokens.create({ ...ANN, duration: 60 });
    await tokens.client.xtrim(`{${env.REDIS_TOKENS_PREFIX}:0}:log`, 'MAXLEN', 1);
    const [hour, all] = await Promise.all([events('--since', '1h'), events()]);
    expect(hour?.stdout).equal(all?.stdout);
    expect(hour?.stderr).match(
      /^redis-tokens: events of shard 0 before \S+Z were lost: its log reaches back no further\n$/,
    );
    expect(all?.stderr).equal('');
  });

  it('tells that there is no deployment, or no Redis', async () => {
    const [none, nowhere] = await Promise.all([
      events(),
      events('--url', 'redis://127.0.0.1:1', '--timeout', '300'),
    ]);
    expect([none.status, nowhere.status]).deep.equal([2, 3]);
    expect(none.stderr).contain('there is no deployment with this prefix here');
  });

  it('ends quietly when its reader has gone', async () => {
    await tokens.ready();
    const event = JSON.stringify({
      time: 'now',
      type: 'token-created',
      subject: 'x'.repeat(1_000),
      data: { app: 'shop', type: 'session', owner: 'ann' },
    });
    const add = "for i = 1, 3000 do redis.call('XADD', KEYS[1], '*', 'event', ARGV[1]) end";
    await tokens.client.eval(add, 1, `{${env.REDIS_TOKENS_PREFIX}:0}:log`, event);
    const line = `set -o pipefail; ${shellCommand('events')} | head -n 1`;
    const pipe = new Child('bash', ['-c', line], { env }, true);
    opened.later(pipe, () => pipe.kill());
    const { status, stdout, stderr } = await pipe.ended;
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).length(1);
  });
});
