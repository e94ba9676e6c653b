// The recipes: each program does what it says, is short, and stands in the document as it is.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { killPrograms } from '../acceptance/processes.js';
import { root } from '../support/sources.js';
import { startExample } from './program.js';

const LINES = 40;

/** What each prints. */
const PROGRAMS: Record<string, readonly RegExp[]> = {
  sessions: [/^ann$/, /^Firefox on Linux, since \d{4}$/, /^undefined$/],
  'api-keys': [/^Keep it: .* 58 characters$/, /^deploy script: shop_key_…\w{4}$/, /^true undefined$/],
  'email-links': [/^1$/, /^undefined$/],
  'refresh-tokens': [
    /^true$/,
    /^undefined$/,
    /^(undefined|a token of ann was stolen)$/,
    /^(undefined|a token of ann was stolen)$/,
  ],
};

const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.ts'));
const textOf = (file: string) => readFileSync(join(root, 'examples', file), 'utf8');

describe('The recipes', () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedisServer();
  });
  after(async () => {
    killPrograms();
    await redis?.stop();
  });

  const run = async (name: string): Promise<string[]> => {
    const program = startExample(name, { REDIS_URL: redis.url });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr.join('\n'));
    assert.deepEqual(program.stderr, []);
    return program.stdout;
  };

  for (const [name, expected] of Object.entries(PROGRAMS)) {
    it(`“${name}” does what it says`, async () => {
      const lines = await run(name);
      assert.lengthOf(lines, expected.length);
      for (const [i, line] of lines.entries()) assert.match(line, expected[i] as RegExp);
    });
  }

  it('“log-out-everywhere” ends every other session, whose sockets are closed', async () => {
    const lines = await run('log-out-everywhere');
    assert.sameMembers(lines, [
      ...['phone', 'library'].map((label) => `the socket of ${label} is closed`),
      ...Array.from({ length: 2 }, () => 'ann is logged out: log-out-everywhere'),
      '2 this laptop',
    ]);
  });

  it('are short', () => {
    const long = examples.filter((file) => textOf(file).trimEnd().split('\n').length > LINES);
    assert.deepEqual(long, []);
  });

  it('stand in the document as they are', () => {
    const document = readFileSync(join(root, 'docs/recipes.md'), 'utf8');
    const shown = [...document.matchAll(/^```typescript\n(.*?)^```/gms)].map(([, code]) => code);
    assert.sameMembers(shown, examples.map(textOf));
  });
});
