// Every example of the README that the API started from runs unchanged against the built package.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { root } from '../support/sources.js';
import { killPrograms, start } from './processes.js';

const BLOCK = /^```typescript\n(.*?)^```/gms;
const EXAMPLES = [...readFileSync(join(import.meta.dirname, 'first-readme.md'), 'utf8').matchAll(BLOCK)].map(
  ([, code = '']) => code,
);
const SCOPE = { app: 'my-app', type: 'user-session' };
const WEEK = 604_800_000;

describe('The first README', function () {
  this.timeout(60_000);
  let redis: RedisServer;
  let folder: string;
  let tokens: RedisTokens;

  before(async () => {
    // The examples name localhost:6379. Where another server has that port, the port in them is all that is replaced.
    redis = await startRedisServer({ port: 6379 }).catch(() => startRedisServer());
    tokens = new RedisTokens(redis.url);
    folder = buildPackage();
  });

  after(async () => {
    killPrograms();
    await tokens?.close();
    await redis?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('has eight examples', () => {
    assert.lengthOf(EXAMPLES, 8);
  });

  it('is true, example by example', async () => {
    // What the examples call `token` exists, so that there is something to get, refresh, update and delete.
    const data = { deleteThis: 1, doNothing: 'kept' };
    const before = await tokens.create({ ...SCOPE, owner: 'abc', duration: 60, customToken: 'token', data });
    const [setUp = '', ...examples] = EXAMPLES;
    // Each has a `const token` of its own: a block for each, which tells what it came to.
    const blocks = examples.map((code) => {
      const result = /const token = /.test(code) ? 'token' : 'null';
      return `{\n${code}\n  results.push(${result});\n}\n`;
    });
    const head = `import type { Redis } from 'ioredis';\nconst myTokenGeneratorFunction = () => 'made by hand';\nconst results: unknown[] = [];\n`;
    const tail = `console.log(JSON.stringify(results));\nawait (redisTokens.client satisfies Redis).ping();\nawait redisTokens.close();\n`;
    const text = `${setUp}${head}${blocks.join('')}${tail}`.replace(
      'localhost:6379',
      `localhost:${redis.port}`,
    );
    writeFileSync(join(folder, 'example.ts'), text);
    checkTypes(folder);

    const program = start(['--import', 'tsx', join(folder, 'example.ts')], {}, folder);
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr.join('\n'));
    assert.deepEqual(program.stderr, []);
    const [created, custom, got, refreshed, updated, deleted, deletedAll] = JSON.parse(
      program.stdout[0] as string,
    );

    const fresh = { ...SCOPE, owner: 'abc', data: { something: 'here' }, version: 1 };
    assert.include(created.token, 'rt_');
    for (const token of [created, custom]) {
      assert.deepInclude(token, fresh);
      assert.approximately(token.expiresAt - token.createdAt, WEEK, 1_000);
    }
    assert.equal(custom.token, 'made by hand');
    assert.deepEqual(got, before);
    assert.deepEqual([refreshed, deleted, deletedAll], [null, null, null]);
    assert.deepEqual(updated.data, { doNothing: 'kept', insertThis: 'kaionesyan' });
    assert.equal(updated.version, 3);
    assert.approximately(updated.expiresAt - before.createdAt, WEEK, 60_000);
    assert.isUndefined(await tokens.get({ ...SCOPE, token: 'token' }));
    assert.isUndefined(await tokens.get({ ...SCOPE, token: created.token }));
    assert.deepEqual(await tokens.list({ ...SCOPE, owner: 'abc' }), []);
  });
});

/** The package as it would be installed: freshly built, found by its name. */
function buildPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tokens-readme-'));
  const installed = join(folder, 'node_modules/redis-tokens');
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
  for (const name of ['tsx', 'ioredis', '@types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  compile(['-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')], root);
  return folder;
}

function checkTypes(folder: string): void {
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  compile([...options, '--skipLibCheck', 'example.ts'], folder);
}

function compile(args: string[], cwd: string): void {
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`tsc: ${(error as { stdout: string }).stdout}`);
  }
}
