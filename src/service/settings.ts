/** What the command and the worker process run with: config folders, then the environment, then the command line. */
import { existsSync } from 'node:fs';
import { basename, delimiter, join, relative, resolve } from 'node:path';
import { Load } from 'config/lib/util.js';
import { checkConnection } from '../redis/check-connection.js';
import { type Address, defaultSpread, isTls } from '../redis/connection.js';
import { ConfigError } from '../tokens/errors.js';
import {
  type DurabilityOptions,
  isDurabilityOf,
  isMilliseconds,
  MAX_REPLICAS,
  type OptionRule,
  TOKEN_OPTION_RULES,
  type TokenOptions,
  wholeNumber,
} from '../tokens/options.js';
import { addressesIn } from './addresses.js';
import { PEPPER_VARIABLE, PEPPERS_VARIABLE, readPepper } from './peppers.js';
import { printable } from './printable.js';
import { guarded } from './prototype-guard.js';
import { type ReadTls, readTls, secured } from './tls-files.js';

/** By the names that the library's options have; an ioredis options object may stand for a URL. */
export interface Settings {
  connection: Address;
  /** Files in PEM form, for `rediss:`: authorities to trust, this client's certificate, and its key; or nothing. */
  tlsCa: string;
  tlsCert: string;
  tlsKey: string;
  prefix: string;
  shards: number;
  partitions: number;
  tokenPrefix: string;
  /** A file of several peppers; or nothing. */
  pepperFile: string;
  maxDataBytes: number;
  timeout: number;
  maxCommandAge: number;
  touchEvery: number;
  /** Replicas that a change must be on; 0: none is waited for. For how long they are, and for which changes. */
  durabilityReplicas: number;
  durabilityTimeout: number;
  durabilityOf: 'revocations' | 'changes';
  concurrency: number;
  closeTimeout: number;
  /** The worker's HTTP server; 0 is any port that is free. */
  httpPort: number | 'off';
  httpHost: string;
  /** The console: the header in which a proxy tells who is at the other end, and whom that is believed from. */
  consoleUserHeader: string;
  consoleProxies: string;
  /** How a worker's log is written; `auto`: as text on a terminal, or else as JSON. */
  log: 'auto' | 'json' | 'text';
  /** Whether a worker traces, with the provider that is registered in its process. */
  telemetry: 'off' | 'on';
}

export type SettingName = keyof Settings;

/** Settings as a command line gives them: texts, unchecked. */
export type GivenSettings = Partial<Record<SettingName, string>>;

interface Setting {
  variable: string;
  /** The option on the command line, where it has one. */
  flag?: string;
  isNumber?: true;
}

/** Where each setting may come from; a test holds the variables against config/custom-environment-variables.json. */
export const SETTINGS: Record<SettingName, Setting> = {
  connection: { variable: 'REDIS_URL', flag: '--url' },
  tlsCa: { variable: 'REDIS_TOKENS_TLS_CA', flag: '--tls-ca' },
  tlsCert: { variable: 'REDIS_TOKENS_TLS_CERT', flag: '--tls-cert' },
  tlsKey: { variable: 'REDIS_TOKENS_TLS_KEY', flag: '--tls-key' },
  prefix: { variable: 'REDIS_TOKENS_PREFIX', flag: '--prefix' },
  shards: { variable: 'REDIS_TOKENS_SHARDS', flag: '--shards', isNumber: true },
  partitions: { variable: 'REDIS_TOKENS_PARTITIONS', flag: '--partitions', isNumber: true },
  tokenPrefix: { variable: 'REDIS_TOKENS_TOKEN_PREFIX', flag: '--token-prefix' },
  pepperFile: { variable: 'REDIS_TOKENS_PEPPER_FILE' },
  maxDataBytes: { variable: 'REDIS_TOKENS_MAX_DATA_BYTES', isNumber: true },
  timeout: { variable: 'REDIS_TOKENS_TIMEOUT', flag: '--timeout', isNumber: true },
  maxCommandAge: { variable: 'REDIS_TOKENS_MAX_COMMAND_AGE', isNumber: true },
  touchEvery: { variable: 'REDIS_TOKENS_TOUCH_EVERY', isNumber: true },
  durabilityReplicas: { variable: 'REDIS_TOKENS_DURABILITY_REPLICAS', isNumber: true },
  durabilityTimeout: { variable: 'REDIS_TOKENS_DURABILITY_TIMEOUT', isNumber: true },
  durabilityOf: { variable: 'REDIS_TOKENS_DURABILITY_OF' },
  concurrency: { variable: 'REDIS_TOKENS_CONCURRENCY', flag: '--concurrency', isNumber: true },
  closeTimeout: { variable: 'REDIS_TOKENS_CLOSE_TIMEOUT', flag: '--close-timeout', isNumber: true },
  httpPort: { variable: 'REDIS_TOKENS_HTTP_PORT', flag: '--http-port', isNumber: true },
  httpHost: { variable: 'REDIS_TOKENS_HTTP_HOST', flag: '--http-host' },
  consoleUserHeader: { variable: 'REDIS_TOKENS_CONSOLE_USER_HEADER' },
  consoleProxies: { variable: 'REDIS_TOKENS_CONSOLE_PROXIES' },
  log: { variable: 'REDIS_TOKENS_LOG', flag: '--log' },
  telemetry: { variable: 'REDIS_TOKENS_TELEMETRY' },
};

const NAMES = Object.keys(SETTINGS) as SettingName[];

const isPort: OptionRule = (value) =>
  value === 'off' || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535)
    ? undefined
    : 'a port from 0 to 65535, or off';

const isText: OptionRule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text');

const isHeader: OptionRule = (value) =>
  typeof value === 'string' && /^[\w-]*$/.test(value) ? undefined : 'the name of a header';

const isAddressList: OptionRule = (value) =>
  typeof value === 'string' && addressesIn(value) !== undefined
    ? undefined
    : 'addresses or networks such as 10.0.0.0/8, with commas between';

const isLogFormat: OptionRule = (value) =>
  ['auto', 'json', 'text'].includes(value as string) ? undefined : 'auto, json or text';

const isSwitch: OptionRule = (value) => (['off', 'on'].includes(value as string) ? undefined : 'off or on');

/** The worker's number of jobs and its patience are for the worker to check: no other command has them. */
const RULES: Partial<Record<SettingName, OptionRule>> = {
  ...(({ pepper: _, durability: __, ...rules }) => rules)(TOKEN_OPTION_RULES),
  durabilityReplicas: wholeNumber(0, MAX_REPLICAS, 'replicas'),
  durabilityTimeout: isMilliseconds,
  durabilityOf: isDurabilityOf,
  httpPort: isPort,
  httpHost: isText,
  consoleUserHeader: isHeader,
  consoleProxies: isAddressList,
  log: isLogFormat,
  telemetry: isSwitch,
};

/** Secrets come through the environment alone: arguments can be seen by other users of the machine, and files get committed. */
export const SECRETS = {
  /** Read, and checked, with the file that may stand for them. */
  pepper: { variable: PEPPER_VARIABLE, rule: () => undefined },
  peppers: { variable: PEPPERS_VARIABLE, rule: () => undefined },
  consolePassword: {
    variable: 'REDIS_TOKENS_CONSOLE_PASSWORD',
    rule: (value: unknown) => (String(value).length >= 12 ? undefined : 'at least 12 characters'),
  },
} as const satisfies Record<string, { variable: string; rule: OptionRule }>;

/** A secret, where there is one. */
export const secret = (name: keyof typeof SECRETS): string | undefined =>
  process.env[SECRETS[name].variable] || undefined;

/** What the library takes of the settings. */
export function tokenOptions(settings: Settings): TokenOptions {
  const names = Object.keys(TOKEN_OPTION_RULES) as (keyof TokenOptions)[];
  const options = Object.fromEntries(names.map((name) => [name, (settings as TokenOptions)[name]]));
  const { pepper } = readPepper(settings.pepperFile);
  return { ...options, pepper, durability: durabilityIn(settings) };
}

const durabilityIn = (settings: Settings): DurabilityOptions | undefined =>
  settings.durabilityReplicas > 0
    ? {
        replicas: settings.durabilityReplicas,
        timeout: settings.durabilityTimeout,
        of: settings.durabilityOf,
      }
    : undefined;

/** Variables that are named like settings, and are of none: misspelt, as a rule. */
export function unknownVariables(): string[] {
  const known = new Set([
    ...Object.values(SETTINGS).map(({ variable }) => variable),
    ...Object.values(SECRETS).map(({ variable }) => variable),
  ]);
  return Object.keys(process.env).filter(
    (name) => name.startsWith('REDIS_TOKENS_') && !known.has(name) && !OF_KUBERNETES.test(name),
  );
}

/** Of a service that has this name there. */
const OF_KUBERNETES = /^REDIS_TOKENS_(SERVICE|PORT)(_|$)/;

/** The package's own folder. node-config's default, `./config`, would be that of whatever project the user stands in. */
const OWN_FOLDER = join(import.meta.dirname, '../../config');

/** Settings that can not work. Its message names all of them, and where each was given. */
export class SettingsError extends ConfigError {}

export interface ReadSettings {
  settings: Settings;
  /** What each was given by: an option, a variable, a file, or `default`. */
  from: Record<SettingName, string>;
}

/**
 * Reads every setting, and checks it: not every command hands all of them to the library.
 * @param given what the command line says, which wins.
 * @throws {ConfigError} for a folder or file that can not be read, for a setting that there is not, and for what can not work.
 */
export function readSettings(given: GivenSettings = {}): ReadSettings {
  const { values, sources } = configured();
  const settings: Record<string, unknown> = { ...values };
  for (const name of NAMES) {
    if (given[name] !== undefined) settings[name] = given[name];
    if (SETTINGS[name].isNumber) settings[name] = numberIn(settings[name]);
  }
  spread(settings);
  const tls = readTls(settings);
  checkValues(settings, given, tls);
  settings.connection = secured(settings.connection as Address, tls);
  return { settings: settings as unknown as Settings, from: settingSources(given, sources) };
}

/** What is `auto` depends on where the tokens are. */
function spread(settings: Record<string, unknown>): void {
  const defaults = defaultSpread(settings.connection as Address);
  for (const name of ['shards', 'partitions'] as const)
    if (settings[name] === 'auto') settings[name] = defaults[name];
}

/** @throws {SettingsError} The values are not shown. */
function checkValues(settings: Record<string, unknown>, given: GivenSettings, tls: ReadTls): void {
  const problems: string[] = Object.keys(settings)
    .filter((name) => !(NAMES as string[]).includes(name))
    .map(
      (name) => `redisTokens: unknown option "${printable(name)}" in a file; known are ${NAMES.join(', ')}`,
    );
  for (const name of NAMES) {
    const expected = RULES[name]?.(settings[name]);
    if (expected !== undefined)
      problems.push(`option "${name}" must be ${expected} (${placeOf(name, given)})`);
  }
  for (const [name, { variable, rule }] of Object.entries(SECRETS)) {
    const value = secret(name as keyof typeof SECRETS);
    const expected = value === undefined ? undefined : rule(value);
    if (expected !== undefined) problems.push(`option "${name}" must be ${expected} (given by ${variable})`);
  }
  const { problem } = readPepper(String(settings.pepperFile));
  if (problem !== undefined) problems.push(problem);
  if (settings.durabilityReplicas === 0) {
    for (const name of ['durabilityTimeout', 'durabilityOf'] as const)
      if (process.env[SETTINGS[name].variable])
        problems.push(`option "${name}" needs durabilityReplicas (${placeOf(name, given)})`);
  }
  for (const [name, problem] of tls.problems)
    problems.push(`option "${name}": ${problem} (${placeOf(name, given)})`);
  try {
    checkConnection(settings.connection);
    // Without the second s all of it, passwords too, would go in plain text.
    if (tls.material && !isTls(settings.connection as Address))
      problems.push(
        `option "connection" must be rediss://… where certificates are given (${placeOf('connection', given)})`,
      );
  } catch (error) {
    problems.push(`${(error as Error).message} (${placeOf('connection', given)})`);
  }
  if (problems.length > 0) throw new SettingsError(problems.join('; '));
}

/** The message of a `ConfigError` with the place where the setting that it names was, or may be, given. */
export function explainConfigError(error: ConfigError, given: GivenSettings): string {
  if (error instanceof SettingsError) return error.message;
  const name = NAMES.find((candidate) => new RegExp(`\\b${candidate}\\b`).test(error.message));
  return name === undefined ? error.message : `${error.message} (${placeOf(name, given)})`;
}

function placeOf(name: SettingName, given: GivenSettings): string {
  const { variable, flag } = SETTINGS[name];
  if (flag !== undefined && given[name] !== undefined) return `given by ${flag}`;
  if (process.env[variable]) return `given by ${variable}`;
  return `may be given by ${flag === undefined ? variable : `${variable} or ${flag}`}`;
}

function settingSources(given: GivenSettings, sources: readonly Source[]): Record<SettingName, string> {
  const sourceOf = (name: SettingName): string => {
    const { variable, flag = '' } = SETTINGS[name];
    if (given[name] !== undefined) return flag;
    const file = sources.findLast(({ parsed }) => parsed?.redisTokens?.[name] !== undefined)?.name ?? '';
    if (basename(file).startsWith('custom-environment-variables.')) return variable;
    return relative(OWN_FOLDER, resolve(file)) === 'default.json' ? 'default' : file;
  };
  return Object.fromEntries(NAMES.map((name) => [name, sourceOf(name)])) as Record<SettingName, string>;
}

/** A file, or what node-config calls something else that it takes settings from. */
interface Source {
  name: string;
  /** What it holds: anything that is JSON. */
  parsed: { redisTokens?: Record<string, unknown> | null } | null;
}

/** What stands under `redisTokens` in the config files and in the environment. */
function configured(): { values: object; sources: readonly Source[] } {
  const { NODE_CONFIG_ENV, NODE_ENV } = process.env; // node-config's own rule, which its types make explicit
  const load = Load.fromEnvironment(NODE_CONFIG_ENV || NODE_ENV || 'development');
  // Ours first: the user's files win over it, and need not repeat which variables there are.
  load.options.configDir = [OWN_FOLDER, ...userFolders()].join(delimiter);
  const { answer, error, wasChanged } = guarded(() => {
    const { redisTokens: values } = load.scan() as { redisTokens?: unknown };
    return { values: values ?? {}, sources: load.getSources() as readonly Source[] };
  });
  if (wasChanged || /__proto__|prototype/.test(String(error)))
    throw new ConfigError('redisTokens: a file of settings, or NODE_CONFIG, holds the key __proto__');
  if (answer === undefined)
    throw new ConfigError((error as Error).message.replaceAll(/\s+/g, ' '), { cause: error });
  if (typeof answer.values !== 'object') throw new ConfigError('redisTokens: settings must be an object');
  return answer as { values: object; sources: readonly Source[] };
}

function userFolders(): string[] {
  const folders = (process.env.NODE_CONFIG_DIR ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    if (!existsSync(folder)) throw new ConfigError(`NODE_CONFIG_DIR: there is no folder ${folder}`);
  }
  return folders.map((folder) => resolve(folder));
}

/** A text that is no number is left for the library to refuse. */
function numberIn(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
    ? Number(value)
    : value;
}
