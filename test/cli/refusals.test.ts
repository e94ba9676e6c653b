// What the command says and how it exits when it can not do what it was asked to.
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { run } from './in-process.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];
const NOWHERE = 'redis://ann:hunter2@127.0.0.1:1';

describe('redis-tokens refuses', function () {
  this.timeout(60_000);

  let env: Record<string, string>;

  beforeEach(async () => {
    env = { REDIS_URL: (await sharedRedis()).url, REDIS_TOKENS_PREFIX: freshPrefix() };
  });

  it('wrong input with status 2, naming every option that is wrong', async () => {
    const [text, json, unknown, noJson, bare] = await Promise.all([
      run(['create', '--owner', '', '--duration', 'soon', '--data', '[1]'], { env }),
      run(['list', '--limit', '0', '--json'], { env }),
      run(['create', '--bogus', '--json'], { env }),
      run(['update', 'tok', ...SCOPE, '--data', '{"card":4711'], { env }),
      run([], { env }),
    ]);
    expect([text.status, json.status, unknown.status, noJson.status, bare.status]).deep.equal([
      2, 2, 2, 2, 2,
    ]);
    for (const option of [
      '--app is missing',
      '--type is missing',
      '--owner must',
      '--duration must',
      '--data must',
    ]) {
      expect(text.stderr).contain(option);
    }
    const { error } = JSON.parse(json.stderr);
    expect(error.code).equal('VALIDATION');
    expect(error.fields.map(({ option }: { option: string }) => option)).members([
      '--app',
      '--type',
      '--owner',
      '--limit',
    ]);
    expect(JSON.parse(unknown.stderr).error).include({ code: 'USAGE' });
    expect(noJson.stderr).contain('--data is not well-formed JSON').not.contain('4711');
    expect(bare.stderr).contain('Usage: redis-tokens');
  });

  it('a command that there is not by its name, unless it may be a token, and a duration by its forms', async () => {
    const [bogus, nested, token, duration] = await Promise.all([
      run(['bogus'], { env }),
      run(['dead-letters', 'lsit', '--json'], { env }),
      run(['rt_Secret0'], { env }),
      run(['create', ...SCOPE, '--owner', 'ann', '--duration', '5y'], { env }),
    ]);
    expect([bogus, nested, token, duration].map(({ status }) => status)).deep.equal([2, 2, 2, 2]);
    expect(bogus.stderr).equal("redis-tokens: unknown command 'bogus'; --help lists what there is\n");
    expect(JSON.parse(nested.stderr).error.message).contain("'lsit'");
    expect(token.stderr).equal('redis-tokens: unknown command\n');
    expect(duration.stderr).contain('--duration must be seconds, or such as 90s, 15m, 12h, 7d\n');
  });

  it('settings that can not work, naming where they were given', async () => {
    const tokens = new RedisTokens(env.REDIS_URL, { prefix: env.REDIS_TOKENS_PREFIX, shards: 4 });
    await tokens.ready();
    await tokens.close();
    const [flag, deployment] = await Promise.all([
      run(['list', ...SCOPE, '--owner', 'ann', '--shards', '3'], { env }),
      run(['list', ...SCOPE, '--owner', 'ann'], { env }),
    ]);
    expect([flag.status, deployment.status]).deep.equal([2, 2]);
    expect(flag.stderr).match(/^redis-tokens: .*power of two.*--shards.*\n$/);
    expect(deployment.stderr).match(/shards is 4 in this deployment, but 1 here.*REDIS_TOKENS_SHARDS/);
  });

  it('settings that can not work in every command, naming all of them, and writes nothing', async () => {
    const prefix = freshPrefix();
    const { REDIS_URL = '' } = env;
    const wrong = {
      ...{ REDIS_URL, REDIS_TOKENS_PREFIX: prefix, REDIS_TOKENS_SHARDS: '3', REDIS_TOKENS_TIMEOUT: 'abc' },
      ...{ REDIS_TOKENS_MAX_COMMAND_AGE: '0', REDIS_TOKENS_PEPPER: 'short' },
    };
    const commands = [
      ['health'],
      ['watch'],
      ['events'],
      ['doctor'],
      ['worker'],
      ['config'],
      ['queue'],
      ['dead-letters', 'list'],
      ['dead-letters', 'drop', '--all'],
      ['list', ...SCOPE, '--owner', 'ann'],
    ];
    const ends = await Promise.all(commands.map((args) => run(args, { env: wrong })));
    for (const [i, { status, stdout, stderr }] of ends.entries()) {
      expect({ status, stdout }, commands[i]?.join(' ')).deep.equal({ status: 2, stdout: '' });
      expect(stderr)
        .contain('"shards" must be a power of two from 1 to 4096 (given by REDIS_TOKENS_SHARDS)')
        .contain('"timeout" must be a whole number of milliseconds')
        .contain('"maxCommandAge" must be')
        .contain('"pepper" must be')
        .not.contain('short');
    }
    const others = await Promise.all([
      run(['dead-letters', 'list', '--timeout', '99999999999', '--prefix', `${prefix}%b`], { env }),
      run(['health', '--timeout', '0'], { env }),
      run(['watch', '--url', 'http://localhost'], { env }),
    ]);
    expect(others.map(({ status }) => status)).deep.equal([2, 2, 2]);
    expect(others[0]?.stderr)
      .match(/"prefix" must be .*given by --prefix.*"timeout" must be .*given by --timeout/)
      .not.contain('Warning');
    const redis = new Redis(REDIS_URL);
    expect(await redis.keys(`*${prefix}*`).finally(() => redis.disconnect())).deep.equal([]);
  });

  it('to show a token in what it complains of', async () => {
    const secret = 'my own secret';
    const create = ['create', ...SCOPE, '--owner', 'ann', '--duration', '60', '--token', '-'];
    expect(await run(create, { env, input: secret })).include({ status: 0 });
    const ends = await Promise.all([
      run(create, { env, input: secret }),
      run([...create, '--queue', '--timeout', '300', '--json'], { env, input: secret }),
      run(['get', secret, '--queue', '--timeout', '300', ...SCOPE], { env }),
    ]);
    expect(ends.map(({ status }) => status)).deep.equal([2, 4, 4]);
    expect(ends[0]?.stderr).contain('exists');
    expect(JSON.parse(ends[1]?.stderr ?? '').error).include({ code: 'RESULT_TIMEOUT' });
    expect(ends[2]?.stderr).contain('is a worker running?');
    for (const { stdout, stderr } of ends) expect(stdout + stderr).not.contain(secret);
  });

  it('within its time where Redis can not be reached, with status 3', async () => {
    const quick = ['--url', NOWHERE, '--timeout', '300'];
    const ends = await Promise.all([
      run(['revoke', 'tok', ...SCOPE, ...quick], { env }),
      run(['revoke', 'tok', ...SCOPE, ...quick, '--queue', '--json'], { env }),
      run(['health', ...quick], { env }),
    ]);
    expect(ends.map(({ status }) => status)).deep.equal([3, 3, 3]);
    expect(JSON.parse(ends[1]?.stderr ?? '').error).include({ code: 'STORE_UNAVAILABLE', outcome: 'none' });
    for (const { stdout, stderr } of ends) {
      expect(stdout).equal('');
      expect(stderr).contain('ECONNREFUSED').not.contain('hunter2');
    }
  });
});
