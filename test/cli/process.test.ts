// What only a process of its own shows: pipes, and that it ends by itself with its exit status.
import { expect } from 'chai';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { Child, runProcess, shellCommand } from './command.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];

describe('redis-tokens as a process', function () {
  this.timeout(60_000);

  let env: Record<string, string>;

  beforeEach(async () => {
    env = { REDIS_URL: (await sharedRedis()).url, REDIS_TOKENS_PREFIX: freshPrefix() };
  });

  it('hands a token on through a pipe', async () => {
    const create = shellCommand(`create ${SCOPE.join(' ')} --owner ann --duration 60 --token-only`);
    const get = shellCommand(`get - ${SCOPE.join(' ')} --json`);
    const { status, stdout, stderr } = await new Child('bash', ['-c', `${create} | ${get}`], { env }).ended;
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).include({ owner: 'ann', version: 1 });
  });

  it('ends once it gave up', async () => {
    const args = ['revoke', '-', ...SCOPE, '--queue', '--timeout', '300'];
    const { status, stdout, stderr } = await runProcess(args, { env, input: 'a token\n' });
    expect({ status, stdout }).deep.equal({ status: 4, stdout: '' });
    expect(stderr).contain('is a worker running?').not.contain('a token');
  });
});
