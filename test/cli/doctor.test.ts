// `redis-tokens doctor`: what it says, how it exits, and that it only looks where it was not asked to repair.
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens, type Token } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Way } from '../support/way.js';
import { Child, shellCommand, start } from './command.js';
import { run } from './in-process.js';

const ANN = { app: 'shop', type: 'session', owner: 'an\u001b[2Jn' };

describe('redis-tokens doctor', function () {
  this.timeout(60_000);

  const opened = new Opened();
  let env: Record<string, string>;
  let redis: Redis;
  let prefix: string;
  let made: Token[];

  beforeEach(async () => {
    prefix = freshPrefix();
    const { url } = await sharedRedis();
    env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    redis = opened.later(new Redis(url), () => redis.quit());
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    made = [];
    for (let i = 0; i < 7; i++)
      made.push(await tokens.create({ ...ANN, duration: 60, data: { my: 'secret' } }));
  });

  const key = (i: number) => `{${prefix}:0}:t:${made[i]?.id}`;
  const ownerIndex = () => `{${prefix}:0}:o:shop:session:an%1B%5B2Jn`;

  it('tells that nothing is wrong, and of how much', async () => {
    const [text, json] = await Promise.all([run(['doctor'], { env }), run(['doctor', '--json'], { env })]);
    expect(text).include({ status: 0, stderr: '' });
    expect(text.stdout)
      .match(/^records +7$/m)
      .match(/^members of indexes +14$/m)
      .match(/\nnothing is wrong\n$/);
    expect(json).include({ status: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).deep.equal({
      complete: true,
      looked: {
        records: 7,
        ownerIndexes: 1,
        scopeIndexes: 1,
        members: 14,
        overdue: 0,
        emptyScopes: 0,
        jobs: 0,
      },
      problems: [],
    });
  });

  it('exits with 1 where something is wrong, and with 0 once --fix has repaired it', async () => {
    for (let i = 0; i < 6; i++) await redis.zrem(ownerIndex(), made[i]?.id as string);
    await redis.del(key(6));
    const text = await run(['doctor'], { env });
    expect(text).include({ status: 1, stderr: '' });
    expect(text.stdout).contain(
      'not-in-owner-index: 6\n  a live token that list and deleteAll of its owner do not see\n',
    );
    expect(text.stdout)
      .contain('    and 1 more\n')
      .contain(`    ${made[6]?.id} app=shop type=session owner=an\\u001b[2Jn\n`)
      .match(/\n7 wrong; --fix repairs what can be repaired\n$/);
    expect(text.stdout).not.contain('\u001b').not.contain('secret');

    const json = await run(['doctor', '--json'], { env });
    expect(json).include({ status: 1, stderr: '' });
    const [hidden, evicted] = JSON.parse(json.stdout).problems;
    expect(hidden).include({ kind: 'not-in-owner-index', count: 6, repaired: 0 });
    expect(hidden.examples).length(5);
    expect(evicted.examples).deep.equal([{ key: key(6), id: made[6]?.id, ...ANN }]);

    const fixed = await run(['doctor', '--fix'], { env });
    expect(fixed.status).equal(0);
    expect(fixed.stdout)
      .contain('not-in-owner-index: 6, repaired\n')
      .contain('member-without-record: 1, repaired\n')
      .match(/\n7 wrong, all repaired\n$/);
    expect(await run(['doctor'], { env })).include({ status: 0 });
    expect(await redis.zcard(ownerIndex())).equal(6);
  });

  it('exits with 1 where --fix can not repair it', async () => {
    const misplaced = `{${prefix}:7}:t:${made[0]?.id}`;
    await redis.set(misplaced, 'x', 'EX', 60);
    const { status, stdout } = await run(['doctor', '--fix'], { env });
    expect(status).equal(1);
    expect(stdout)
      .contain('wrong-place: 1, 0 repaired\n')
      .contain(misplaced)
      .match(/1 wrong, 0 repaired; the rest is for somebody to look at\n$/);
    const again = await run(['doctor'], { env });
    expect(again.stdout).match(/\n1 wrong; none of it is for --fix, but for somebody to look at\n$/);
  });

  it('refuses a deployment that there is not, or that differs, and writes nothing', async () => {
    const none = freshPrefix();
    const [missing, other] = await Promise.all([
      run(['doctor', '--prefix', none], { env }),
      run(['doctor', '--shards', '2', '--json'], { env }),
    ]);
    expect([missing.status, other.status]).deep.equal([2, 2]);
    expect(missing.stderr).match(/there is no deployment with this prefix here \(given by --prefix\)/);
    expect(JSON.parse(other.stderr).error.message).match(/shards is 1 in this deployment, but 2 here/);
    expect(await redis.keys(`{${none}*`)).deep.equal([]);
    const nowhere = await run(['doctor', '--url', 'redis://127.0.0.1:1', '--timeout', '300'], { env });
    expect(nowhere.status).equal(3);
  });

  it('tells that what all processes agree on is lost, and fixes it again', async () => {
    await redis.hdel(`{${prefix}}:meta`, 'maxCommandAge');
    const told = await run(['doctor'], { env });
    expect(told).include({ status: 1, stderr: '' });
    expect(told.stdout).contain(`agreement-missing: 1\n`).contain(`    {${prefix}}:meta maxCommandAge\n`);
    await redis.del(`{${prefix}}:meta`);
    const misfit = await run(['doctor', '--fix', '--shards', '4'], { env });
    expect(misfit.status).equal(2);
    expect(misfit.stderr).match(/is lost, and shards can not have been 4, .* \(given by --shards\)\n$/);
    expect(await run(['doctor', '--fix'], { env })).include({ status: 0 });
    expect(await redis.hget(`{${prefix}}:meta`, 'shards')).equal('1');
  });

  it('stops on Ctrl-C, with what it has seen so far', async () => {
    const way = opened.add(await Way.open(env.REDIS_URL as string));
    const reached = new Promise<void>((resolve) => {
      way.onSent = (sent) => {
        if (!/\bscan\b/i.test(sent)) return;
        way.deafen();
        resolve();
      };
    });
    const child = start(['doctor', '--timeout', '1000'], { env: { ...env, REDIS_URL: way.url } });
    opened.later(child, () => child.kill());
    await reached;
    child.process.kill('SIGINT');
    const { status, stdout, stderr } = await child.ended;
    expect(status).equal(4);
    expect(stdout)
      .match(/^records +0$/m)
      .match(/\nnothing is wrong so far\n$/);
    expect(stderr).equal('redis-tokens: stopped: the rest was not looked at\n');
  });

  it('ends quietly where nobody reads what it says', async () => {
    const pipe = new Child(
      'bash',
      ['-c', `set -o pipefail; ${shellCommand('doctor')} | true`],
      { env },
      true,
    );
    opened.later(pipe, () => pipe.kill());
    expect(await pipe.ended).deep.equal({ status: 0, stdout: '', stderr: '' });
  });
});
