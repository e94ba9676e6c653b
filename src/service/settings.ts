/** What the command and the worker process run with: config folders, then the environment, then the command line. */
import { existsSync } from 'node:fs';
import { basename, delimiter, join, relative, resolve } from 'node:path';
import { Load } from 'config/lib/util.js';
import { type Connection, checkConnection } from '../redis/connection.js';
import { ConfigError } from '../tokens/errors.js';
import { checkOptions, type OptionRule, TOKEN_OPTION_RULES } from '../tokens/options.js';

/** By the names that the library's options have; an ioredis options object may stand for a URL. */
export interface Settings {
  connection: Exclude<Connection, { status: string }>;
  prefix: string;
  shards: number;
  tokenPrefix: string;
  maxDataBytes: number;
  timeout: number;
  maxCommandAge: number;
  touchEvery: number;
  concurrency: number;
  closeTimeout: number;
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
  prefix: { variable: 'REDIS_TOKENS_PREFIX', flag: '--prefix' },
  shards: { variable: 'REDIS_TOKENS_SHARDS', flag: '--shards', isNumber: true },
  tokenPrefix: { variable: 'REDIS_TOKENS_TOKEN_PREFIX', flag: '--token-prefix' },
  maxDataBytes: { variable: 'REDIS_TOKENS_MAX_DATA_BYTES', isNumber: true },
  timeout: { variable: 'REDIS_TOKENS_TIMEOUT', flag: '--timeout', isNumber: true },
  maxCommandAge: { variable: 'REDIS_TOKENS_MAX_COMMAND_AGE', isNumber: true },
  touchEvery: { variable: 'REDIS_TOKENS_TOUCH_EVERY', isNumber: true },
  concurrency: { variable: 'REDIS_TOKENS_CONCURRENCY', flag: '--concurrency', isNumber: true },
  closeTimeout: { variable: 'REDIS_TOKENS_CLOSE_TIMEOUT', flag: '--close-timeout', isNumber: true },
};

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** Rules of what every command goes by. A worker's own settings are the worker's to check: no other command has them. */
const RULES: Partial<Record<SettingName, OptionRule>> = (({ pepper: _, ...rules }) => rules)(
  TOKEN_OPTION_RULES,
);

/** Through the environment alone: arguments can be seen by other users of the machine, and files get committed. */
export const PEPPER = 'REDIS_TOKENS_PEPPER';

export const pepper = (): string | undefined => process.env[PEPPER] || undefined;

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
  checkOptions('redisTokens', settings, Object.fromEntries(NAMES.map((name) => [name, () => undefined])));
  for (const name of NAMES) {
    if (given[name] !== undefined) settings[name] = given[name];
    if (SETTINGS[name].isNumber) settings[name] = numberIn(settings[name]);
  }
  checkValues(settings, given);
  return { settings: settings as unknown as Settings, from: settingSources(given, sources) };
}

/** @throws {SettingsError} The values are not shown. */
function checkValues(settings: Record<string, unknown>, given: GivenSettings): void {
  const problems: string[] = [];
  for (const name of NAMES) {
    const expected = RULES[name]?.(settings[name]);
    if (expected !== undefined)
      problems.push(`option "${name}" must be ${expected} (${placeOf(name, given)})`);
  }
  const key = pepper();
  const expected = key === undefined ? undefined : TOKEN_OPTION_RULES.pepper(key);
  if (expected !== undefined) problems.push(`option "pepper" must be ${expected} (given by ${PEPPER})`);
  try {
    checkConnection(settings.connection);
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
    const file = sources.findLast(({ parsed }) => parsed.redisTokens?.[name] !== undefined)?.name ?? '';
    if (basename(file).startsWith('custom-environment-variables.')) return variable;
    return relative(OWN_FOLDER, resolve(file)) === 'default.json' ? 'default' : file;
  };
  return Object.fromEntries(NAMES.map((name) => [name, sourceOf(name)])) as Record<SettingName, string>;
}

/** A file, or what node-config calls something else that it takes settings from. */
interface Source {
  name: string;
  parsed: { redisTokens?: Record<string, unknown> };
}

/** What stands under `redisTokens` in the config files and in the environment. */
function configured(): { values: object; sources: readonly Source[] } {
  const { NODE_CONFIG_ENV, NODE_ENV } = process.env; // node-config's own rule, which its types make explicit
  const load = Load.fromEnvironment(NODE_CONFIG_ENV || NODE_ENV || 'development');
  // Ours first: the user's files win over it, and need not repeat which variables there are.
  load.options.configDir = [OWN_FOLDER, ...userFolders()].join(delimiter);
  try {
    const { redisTokens: values = {} } = load.scan() as { redisTokens?: object };
    return { values, sources: load.getSources() as readonly Source[] };
  } catch (error) {
    throw new ConfigError((error as Error).message.replaceAll(/\s+/g, ' '), { cause: error });
  }
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
