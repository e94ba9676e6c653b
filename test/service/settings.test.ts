// Where settings come from, and how Redis' address is shown.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { defaultSpread } from '../../src/redis/connection.js';
import { readyMessage } from '../../src/service/ready-message.js';
import {
  readSettings,
  SECRETS,
  SETTINGS,
  tokenOptions,
  unknownVariables,
} from '../../src/service/settings.js';
import { shownSettings } from '../../src/service/shown-settings.js';
import { shownUrl } from '../../src/service/shown-url.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';

const root = join(import.meta.dirname, '../..');

describe('settings', () => {
  const { env } = process;
  let folder: string;

  beforeEach(() => {
    process.env = Object.fromEntries(
      Object.entries(env).filter(([name]) => !/^(REDIS_|NODE_CONFIG)/.test(name)),
    );
    folder = mkdtempSync(join(tmpdir(), 'redis-tokens-settings-'));
  });

  afterEach(() => {
    process.env = env;
    process.chdir(root);
    rmSync(folder, { recursive: true });
  });

  function writeConfig(file: string, settings: object): void {
    mkdirSync(join(folder, 'config'), { recursive: true });
    writeFileSync(join(folder, 'config', file), JSON.stringify({ redisTokens: settings }));
  }

  it('come from the config folder of the package, whatever project one stands in', () => {
    writeConfig('default.json', { prefix: 'theirs' });
    process.chdir(folder);
    expect(readSettings().settings.prefix).equal('rt');
    process.env.NODE_CONFIG_DIR = join(folder, 'config');
    expect(readSettings().settings).include({ prefix: 'theirs', shards: 1 });
    process.env.REDIS_TOKENS_PREFIX = '42';
    process.env.REDIS_TOKENS_SHARDS = '8';
    expect(readSettings({ shards: '16' }).settings).include({ prefix: '42', shards: 16 });
    expect(readSettings().settings).include({ shards: 8 });
  });

  it('are shown with what each was given by, and without secrets', () => {
    writeConfig('default.json', { prefix: 'theirs', timeout: 7 });
    writeConfig('production.json', { shards: 4 });
    const secret = 'a pepper of at least thirty-two bytes';
    Object.assign(process.env, {
      ...{ NODE_ENV: 'production', NODE_CONFIG_DIR: join(folder, 'config'), REDIS_TOKENS_PEPPER: secret },
      ...{ REDIS_URL: 'redis://ann:s3cret@example.org:1/2?password=s3cret', REDIS_TOKENS_CONCURRENCY: '9' },
      ...{ REDIS_TOKENS_CONSOLE_PASSWORD: 's3cret of twelve' },
    });
    const given = { timeout: '8' };
    const shown = shownSettings(readSettings(given));
    expect(shown).deep.include({
      connection: { value: 'redis://***:***@example.org:1/2', from: 'REDIS_URL' },
      prefix: { value: 'theirs', from: join(folder, 'config/default.json') },
      shards: { value: 4, from: join(folder, 'config/production.json') },
      timeout: { value: 8, from: '--timeout' },
      concurrency: { value: 9, from: 'REDIS_TOKENS_CONCURRENCY' },
      closeTimeout: { value: 10_000, from: 'default' },
      pepper: { value: 'set', from: 'REDIS_TOKENS_PEPPER' },
      consolePassword: { value: 'set', from: 'REDIS_TOKENS_CONSOLE_PASSWORD' },
    });
    expect(Object.keys(shown)).members([...Object.keys(SETTINGS), ...Object.keys(SECRETS)]);
    expect(JSON.stringify(shown)).not.match(/s3cret|thirty/);
  });

  it('are refused where they are misspelt, or their file can not be read', () => {
    process.env.NODE_CONFIG_DIR = join(folder, 'config');
    writeConfig('default.json', { shard: 4 });
    expect(() => readSettings()).throw('unknown option "shard"');
    writeConfig('default.json', { shard: 4, timeout: 'soon' });
    expect(() => readSettings()).throw(
      /unknown option "shard" in a file; known are [^(]+; option "timeout" must be/,
    );
    writeConfig('default.json', { telemetry: true });
    expect(() => readSettings()).throw('option "telemetry" must be off or on');
    writeFileSync(join(folder, 'config/default.json'), '{');
    expect(() => readSettings()).throw(/^Cannot parse config file: .*default\.json.*$/);
  });

  it('are refused where they hold no settings, and change no prototype', () => {
    process.env.NODE_CONFIG_DIR = join(folder, 'config');
    for (const text of ['{"redisTokens":{"__proto__":{"shards":4}}}', '{"__proto__":{"toString":"x"}}']) {
      mkdirSync(join(folder, 'config'), { recursive: true });
      writeFileSync(join(folder, 'config/default.json'), text);
      expect(() => readSettings()).throw('holds the key __proto__');
      expect(Object.keys(Object.prototype)).deep.equal([]);
      expect({}.toString()).equal('[object Object]');
    }
    writeFileSync(join(folder, 'config/default.json'), 'null');
    expect(readSettings().settings.prefix).equal('rt');
    writeFileSync(join(folder, 'config/default.json'), '{"redisTokens":7}');
    expect(() => readSettings()).throw('redisTokens');
  });

  it('are refused without a secret that stands in the wrong place', () => {
    process.env.REDIS_URL = 'redis://ann:#hunter2@redis.example';
    expect(() => readSettings())
      .throw('a # in a URL must be written as %23')
      .with.property('message')
      .not.contain('hunter2');
    expect(shownUrl(process.env.REDIS_URL)).equal('redis://ann');
    delete process.env.REDIS_URL;
    process.env.REDIS_TOKENS_TLS_KEY = '-----BEGIN PRIVATE KEY-----\nhunter2';
    expect(() => readSettings())
      .throw('"tlsKey": must be the name of a file, not what stands in it')
      .with.property('message')
      .not.contain('hunter2');
  });

  it('take a pepper, or several by a variable or a file, the one that seals first', () => {
    const [newer, older] = [Buffer.alloc(32, 'newer'), Buffer.alloc(33, 'ÿolder')];
    const lines = `# newest first\n2026:${newer.toString('base64')}\r\n\n 2025: ${older.toString('base64url')}\nnone:\n`;
    const peppers = [
      { id: '2026', key: newer },
      { id: '2025', key: older },
      { id: 'none', key: null },
    ];
    const given = () => tokenOptions(readSettings().settings).pepper;
    expect(given()).equal(undefined);
    process.env.REDIS_TOKENS_PEPPER = 'a pepper of at least thirty-two bytes';
    expect(given()).equal('a pepper of at least thirty-two bytes');
    delete process.env.REDIS_TOKENS_PEPPER;
    process.env.REDIS_TOKENS_PEPPERS = lines;
    expect(given()).deep.equal(peppers);
    delete process.env.REDIS_TOKENS_PEPPERS;
    const file = join(folder, 'peppers');
    writeFileSync(file, lines);
    process.env.REDIS_TOKENS_PEPPER_FILE = file;
    expect(given()).deep.equal(peppers);
    expect(shownSettings(readSettings())).deep.include({
      pepperFile: { value: file, from: 'REDIS_TOKENS_PEPPER_FILE' },
      pepper: { value: '2026, 2025, none', from: 'the file of pepperFile' },
    });

    const refused = (text: string): string => {
      writeFileSync(file, text);
      try {
        readSettings();
      } catch (error) {
        return (error as Error).message;
      }
      return 'was taken';
    };
    const key = newer.toString('base64');
    for (const [text, problem] of [
      ['', /a list of up to 5/],
      [key, /must be lines of <id>:<key in base64>, or none: \(given by the file /],
      [`2026:${key.slice(0, -4)}`, /number 1 has a key of at least 32 bytes \(given by the file /],
      [`2026:${key}!`, /must be lines of/],
      [`2026:${newer.toString('hex')}g`, /must be lines of/],
      [`a b:${key}`, /must be lines of/],
      [`2026:${key}\n2026:${older.toString('base64')}`, /each id and each key once/],
      ['2026:', /number 1 has a key of at least/],
    ] as const) {
      const message = refused(text);
      expect(message)
        .match(/^option "pepper" /)
        .match(problem);
      expect(message).not.contain(key.slice(0, 8)).not.contain(newer.toString('hex').slice(0, 8));
    }
    process.env.REDIS_TOKENS_PEPPERS = lines;
    expect(refused(lines)).match(/is given more than once: by REDIS_TOKENS_PEPPERS and the file/);
    delete process.env.REDIS_TOKENS_PEPPERS;
    rmSync(file);
    expect(() => readSettings()).throw(/option "pepper" can not be read: ENOENT/);
    process.env.REDIS_TOKENS_PEPPER_FILE = 'the pepper itself, which is a secret';
    expect(() => readSettings()).throw(/can not be read: ENOENT \(given by the file of pepperFile\)$/);
  });

  it('have the defaults of the library, and a variable each', () => {
    const { peppers: _, durability: __, ...defaults } = resolveTokenOptions({}, defaultSpread(undefined));
    expect(readSettings().settings).include(defaults);
    const variables = readFileSync(join(root, 'config/custom-environment-variables.json'), 'utf8');
    for (const [name, { variable }] of Object.entries(SETTINGS))
      expect(variables).contain(`"${name}": "${variable}"`);
  });

  it('have replicas waited for where they say how many', () => {
    expect(tokenOptions(readSettings().settings).durability).equal(undefined);
    process.env.REDIS_TOKENS_DURABILITY_OF = 'changes';
    expect(() => readSettings()).throw(
      'option "durabilityOf" needs durabilityReplicas (given by REDIS_TOKENS_DURABILITY_OF)',
    );
    process.env.REDIS_TOKENS_DURABILITY_REPLICAS = '2';
    process.env.REDIS_TOKENS_DURABILITY_OF = 'changes';
    const durability = { replicas: 2, timeout: 1_000, of: 'changes' };
    expect(tokenOptions(readSettings().settings).durability).deep.equal(durability);
    process.env.REDIS_TOKENS_DURABILITY_OF = 'all';
    expect(() => readSettings()).throw(
      'option "durabilityOf" must be revocations or changes (given by REDIS_TOKENS_DURABILITY_OF)',
    );
  });

  it('tell of variables that are of none', () => {
    expect(unknownVariables()).deep.equal([]);
    process.env.REDIS_TOKENS_PREFX = 'q';
    process.env.REDIS_TOKENS_SERVICE_HOST = '10.0.0.1';
    process.env.REDIS_TOKENS_PEPPERS = 'none:';
    expect(unknownVariables()).deep.equal(['REDIS_TOKENS_PREFX']);
  });

  it('are shown without secrets, and as a command that can be copied', () => {
    const connection = 'rediss://ann:hunter2@redis.example:6380/2?password=hunter2';
    expect(shownUrl(connection)).equal('rediss://***:***@redis.example:6380/2');
    expect(shownUrl({ host: 'redis.example', password: 'hunter2' })).equal('redis://redis.example:6379');
    expect(readyMessage({ connection, prefix: 'rt', shards: 4 }))
      .contain('with the same REDIS_URL')
      .not.contain('hunter2');
    expect(readyMessage({ connection: 'redis://127.0.0.1:7', prefix: 'x', shards: 4 })).contain(
      '\n  REDIS_URL=redis://127.0.0.1:7 npx redis-tokens --prefix x --shards 4 list ',
    );
  });
});
