// Settings that hold anything: they are taken, or refused by their names and at once, and no secret is shown either way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { assert } from 'chai';
import fc from 'fast-check';
import { explainConfigError, readSettings, SECRETS, SETTINGS } from '../../../src/service/settings.js';
import { shownSettings } from '../../../src/service/shown-settings.js';
import { ConfigError } from '../../../src/tokens/errors.js';
import { runProcess } from '../../cli/command.js';
import { run } from '../../cli/in-process.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { garbled, json, SECRET, tampered, text } from './hostile.js';

/** Milliseconds within which settings are read, or refused. */
const AT_ONCE = 1_000;

const right: Record<string, string[]> = {
  REDIS_URL: [
    `redis://ann:${SECRET}@localhost:6379/1`,
    `rediss://:${SECRET}@[::1]:6380`,
    `redis://localhost?password=${SECRET}`,
    `redis-cluster://ann:${SECRET}@10.0.0.1:6379,10.0.0.2`,
  ],
  REDIS_TOKENS_TLS_KEY: [`-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`],
  REDIS_TOKENS_SHARDS: ['4', 'auto'],
  REDIS_TOKENS_HTTP_PORT: ['0', 'off'],
  REDIS_TOKENS_CONSOLE_PROXIES: ['10.0.0.0/8, ::1'],
  REDIS_TOKENS_PEPPER: [SECRET],
  REDIS_TOKENS_CONSOLE_PASSWORD: [SECRET.slice(0, 8), SECRET],
  NODE_CONFIG: [`{"redisTokens":{"connection":"redis://:${SECRET}@localhost"}}`],
};

const variables = [
  ...Object.values(SETTINGS).map(({ variable }) => variable),
  ...Object.values(SECRETS).map(({ variable }) => variable),
  ...['NODE_CONFIG', 'NODE_ENV', 'NODE_CONFIG_ENV', 'NODE_APP_INSTANCE'],
];

/** A variable and what it holds. */
const variable = fc.constantFrom(...variables).chain((name) => {
  const known = fc.constantFrom(...(right[name] ?? ['42']));
  // Names of files are shown: only what is no such name hides.
  if (name.includes('_TLS_')) return fc.tuple(fc.constant(name), fc.oneof(known, text));
  return fc.tuple(fc.constant(name), fc.oneof(known, garbled(known), text, fc.constant(SECRET)));
});

const environment = fc.array(variable, { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs));

const settings = fc.constant({
  redisTokens: {
    connection: `redis://:${SECRET}@localhost`,
    prefix: 'rt',
    shards: 2,
    httpPort: 'off',
    log: 'json',
  },
});
const file = fc.oneof(
  { weight: 3, arbitrary: tampered(settings).map((value) => JSON.stringify(value) ?? '') },
  { weight: 2, arbitrary: garbled(settings.map((value) => JSON.stringify(value))) },
  { weight: 1, arbitrary: json.map((value) => JSON.stringify({ redisTokens: value })) },
  { weight: 1, arbitrary: text },
);

/** Each once showed a secret, changed the prototype of all objects, or was no error that the command knows. */
const FOUND: readonly [environment: Record<string, string>, file: string | null][] = [
  [{ REDIS_TOKENS_TLS_KEY: `-----BEGIN PRIVATE KEY-----\n${SECRET}` }, null],
  [{ REDIS_URL: `redis://ann:#${SECRET}@localhost` }, null],
  [{ REDIS_URL: `redis-cluster://localhost#${SECRET}` }, null],
  [{}, '{"redisTokens":{"__proto__":{"__proto__":{"__proto__":1}}}}'],
  [{}, '{"__proto__":{"toString":1}}'],
  [{ NODE_CONFIG: '{"redisTokens":{"__proto__":{"polluted":1}}}' }, null],
  [{}, 'null'],
  [{ REDIS_TOKENS_PEPPER_FILE: SECRET }, null],
];

/** What an operator can go by. */
const NAMED = new RegExp(
  `\\b(${[...Object.keys(SETTINGS), ...Object.keys(SECRETS), 'redisTokens', 'NODE_\\w+'].join('|')})\\b|local\\.json`,
);

/** What may be shown of an address. */
const withoutHost = (shown: string) => shown.replace(/\/\/(?:(?:\*\*\*)?(?::\*\*\*)?@)?[^/?#@]*/, '');

/** A text without what stands there for as long as a secret is: also cut in two it is one. */
const hides = (shown: string) => assert.notInclude(shown, SECRET.slice(10, 40));

describe('Fuzzing: settings', function () {
  this.timeout(TIMEOUT);
  const { env } = process;
  const plain = Object.fromEntries(Object.entries(env).filter(([name]) => !/^(REDIS_|NODE_)/.test(name)));
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redis-tokens-fuzz-'));
  });
  afterEach(() => {
    process.env = env;
    rmSync(folder, { recursive: true });
  });

  it('are taken, or refused by name, whatever the environment and the files hold', () =>
    fuzz(fc.tuple(environment, fc.option(file, { freq: 2 })), FOUND, ([given, content]) => {
      process.env = { ...plain, ...given };
      if (content !== null) {
        process.env.NODE_CONFIG_DIR = folder;
        // Of this character JSON5 warns on standard error.
        writeFileSync(join(folder, 'local.json'), content.replaceAll('\u2028', ''));
      }
      const begun = performance.now();
      try {
        const read = readSettings();
        const { connection, pepper, consolePassword } = shownSettings(read);
        hides(inspect([withoutHost(String(connection?.value)), pepper, consolePassword]));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        const message = explainConfigError(error, {});
        assert.match(message, NAMED);
        hides(message);
      }
      assert.isBelow(performance.now() - begun, AT_ONCE);
    }));

  it('are refused by the command with status 2, in words and as JSON', () =>
    fuzz(
      fc.tuple(environment, fc.boolean()),
      FOUND.map(([given]): [Record<string, string>, boolean] => [given, true]),
      async ([given, asJson]) => {
        const surroundings = { env: given as Record<string, string> };
        const { status, stdout, stderr } = await run(['acl', ...(asJson ? ['--json'] : [])], surroundings);
        told(status, stdout, stderr, asJson);
      },
    ));

  it('are refused in the same way by a whole process', async () => {
    for (const given of fc.sample(environment, 3)) {
      // A process can be given no such variable.
      const entries = Object.entries(given).map(([name, value]) => [
        name,
        value.replaceAll('\0', '').toWellFormed(),
      ]);
      const { status, stdout, stderr } = await runProcess(['acl'], { env: Object.fromEntries(entries) });
      told(status, stdout, stderr, false);
    }
  });

  function told(status: number, stdout: string, stderr: string, asJson: boolean): void {
    assert.include([0, 2], status, stderr);
    hides(stderr);
    if (status === 0) return;
    assert.equal(stdout, '');
    assert.notMatch(stderr, /^ +at /m);
    if (asJson) assert.equal(JSON.parse(stderr).error.code, 'CONFIG');
    else assert.match(stderr, /^redis-tokens: .*\n$/);
  }
});
