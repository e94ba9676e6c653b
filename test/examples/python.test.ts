// The client in Python, which knows no more than docs/wire.md tells.
import { execFile } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RedisTokens, TokenWorker } from '../../src/index.js';
import { tokenId } from '../../src/tokens/identity.js';
import { generateToken, isGenerated } from '../../src/tokens/secret.js';
import { findOnPath, installPackage } from '../../tools/debian-package.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { root } from '../support/sources.js';

const SESSION = { app: 'shop', type: 'session' };
const PEPPER = 'a pepper of at least thirty-two bytes';

describe('The client in Python', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let url: string;
  let prefix: string;
  let python: string;

  before(async () => {
    const log = (line: string) => process.stderr.write(`${line}\n`);
    const found = findOnPath('python3') ?? (await installPackage('python3', log));
    if (found === undefined) throw new Error('there is no python3, and none could be installed');
    python = found;
  });
  beforeEach(async () => {
    url = (await sharedRedis()).url;
    prefix = freshPrefix();
  });

  async function client(...args: string[]): Promise<string> {
    const env = {
      ...process.env,
      ...{ REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix },
      BULLMQ_SCRIPTS: join(root, 'node_modules/bullmq/dist/esm/scripts'),
    };
    const { stdout } = await promisify(execFile)(python, [join(root, 'examples/python/client.py'), ...args], {
      env,
    });
    return stdout;
  }

  it('makes and revokes tokens over the queue, and reads from the log what happened', async () => {
    const worker = opened.add(new TokenWorker({ connection: url, prefix }));
    await worker.start();
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    const { token, result } = JSON.parse(await client('create', 'shop', 'session', 'änn & co.', '60'));
    expect(isGenerated(token, 'rt_')).equal(true);
    expect(result).deep.include({ op: 'create', status: 'completed' });
    const found = await tokens.get({ ...SESSION, token });
    expect(found).deep.include({ id: result.value.id, owner: 'änn & co.', data: {}, version: 1 });

    expect(JSON.parse(await client('revoke', 'shop', 'session', 'änn & co.'))).deep.include({
      status: 'completed',
      value: 1,
    });
    expect(await tokens.get({ ...SESSION, token })).equal(undefined);
    const events = (await client('follow', '0-0'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type, subject, data }) => [type, subject, data.reason])).deep.equal([
      ['token-created', result.value.id, undefined],
      ['token-revoked', result.value.id, 'from-python'],
    ]);
  });

  it('derives ids as the library does, with a pepper and without', async () => {
    const token = generateToken();
    const document = readFileSync(join(root, 'docs/wire.md'), 'utf8');
    for (const [told, pepper] of [['pyAJAaGSVUY_4HjJM3vDbc'], ['py8y236GfezeVGuhxAalaG', PEPPER]] as const) {
      const vector = JSON.parse(
        await client('vectors', `rt_${'A'.repeat(43)}0a5SYx`, ...(pepper ? [pepper] : [])),
      );
      expect(vector.id).equal(told);
      expect(document).contain(`${vector.token}\``).contain(`\`${told}\``);
    }
    expect(JSON.parse(await client('vectors', token)).id).equal(tokenId('shop', 'session', token));
    const key = createSecretKey(PEPPER, 'utf8');
    expect(JSON.parse(await client('vectors', token, PEPPER)).id).equal(
      tokenId('shop', 'session', token, key),
    );
  });
});
