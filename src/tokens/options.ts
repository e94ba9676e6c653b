/** The options that decide how tokens are made and kept: one type for every door. */
import { ConfigError } from './errors.js';
import { DEFAULT_TOUCH_EVERY } from './idle.js';
import { type Pepper, pepperProblem, type SealingKey, sealingKeys } from './pepper.js';
import { DEFAULT_TOKEN_PREFIX } from './secret.js';
import { DEFAULT_MAX_DATA_BYTES } from './validation.js';

/** Options of both doors and of the worker. Every process of a deployment gives the same, but for `timeout`. */
export interface TokenOptions {
  /** What every key, queue and channel starts with: 1–32 of `[A-Za-z0-9_-]`. Default `rt`. */
  prefix?: string | undefined;
  /** Over how many hash slots the tokens are spread: a power of two, 1–4,096. Default 1, on a Cluster 16. */
  shards?: number | undefined;
  /**
   * Over how many queues the commands of each lane are spread, each in a hash slot of its own: 1–64. Default 1, on a
   * Cluster 4. `RedisTokens` makes no use of it.
   */
  partitions?: number | undefined;
  /** What generated tokens start with: 1–32 of `[A-Za-z0-9_-]`. Default `rt_`. */
  tokenPrefix?: string | undefined;
  /**
   * Key of at least 32 bytes that ids are derived with, so that a copy of Redis tells nothing about weak secrets. Or up to
   * five with ids, `[{ id: '2026-11', key }, { id: '2025', key }]`: the first seals, and a token that lies under another is
   * moved to it when it is used; `{ id: 'none', key: null }` stands for no pepper. `false` is for a door that knows none of a
   * deployment's: it revokes by id or owner, lists and counts, and takes no token. Default: none.
   */
  pepper?: Pepper | undefined;
  /** Bytes of data as JSON that one token may hold. Default 65,536. */
  maxDataBytes?: number | undefined;
  /** Milliseconds after which an operation gives up. Default 5,000. */
  timeout?: number | undefined;
  /** Milliseconds for which a command may wait before it is refused as too old. Default 900,000. */
  maxCommandAge?: number | undefined;
  /**
   * The part of a token's `idle` time within which its uses are written down once, 0–0.5: by so much sooner than `idle`
   * after its last use it may die. 0 writes down every use. Default 0.1. A producer leaves that to the worker.
   */
  touchEvery?: number | undefined;
  /** On how many replicas a change must be before it counts as made. Default: none. A producer leaves that to the worker. */
  durability?: DurabilityOptions | undefined;
}

/** What is waited for before a change counts as made: Redis answers before its replicas have it. */
export interface DurabilityOptions {
  /** Replicas that must have acknowledged it, 1–16: of each primary on a Cluster. */
  replicas: number;
  /** Milliseconds for which they are waited for; the change stays made where they are too few. Default 1,000. */
  timeout?: number | undefined;
  /** Which changes: `revocations` and `consume`, which must not be lost, or all `changes`. Default `revocations`. */
  of?: 'revocations' | 'changes' | undefined;
}

/** With every default. */
export interface ResolvedDurability {
  replicas: number;
  timeout: number;
  of: 'revocations' | 'changes';
}

/** How the tokens and the commands of a deployment are spread over the nodes of a Cluster. */
export type Spread = Required<{ [K in 'shards' | 'partitions']: number }>;

/** Options with every default filled in. */
export interface ResolvedTokenOptions {
  prefix: string;
  shards: number;
  /** Absent where no queue is of concern. */
  partitions?: number | undefined;
  tokenPrefix: string;
  /** The one that seals first; none for a door that takes no token. */
  peppers: readonly SealingKey[];
  maxDataBytes: number;
  timeout: number;
  maxCommandAge: number;
  touchEvery: number;
  durability: ResolvedDurability | undefined;
  /** From how many misses within how many milliseconds on a client is told of; absent where none are counted. */
  guessing?: { misses: number; window: number } | undefined;
}

export const MAX_SHARDS = 4_096; // what two characters of an id can tell apart

/** What a value must be, or `undefined` where it fits. */
export type OptionRule = (value: unknown) => string | undefined;

export const wholeNumber =
  (from: number, to: number, unit: string): OptionRule =>
  (value) =>
    Number.isInteger(value) && (value as number) >= from && (value as number) <= to
      ? undefined
      : `a whole number of ${unit} from ${from} to ${to}`;

const word = (value: unknown) =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(value) ? undefined : '1–32 of A–Z a–z 0–9 _ -';

export const isPrefix: OptionRule = word;
export const isTokenPrefix: OptionRule = word;
/** Milliseconds for which is kept what was decided for a job: a command that is older must be refused for its age. */
export const DECISIONS_KEPT = 7 * 86_400_000;

export const isMilliseconds: OptionRule = wholeNumber(1, 2 ** 31 - 1, 'milliseconds');

const isShards: OptionRule = (value) =>
  wholeNumber(1, MAX_SHARDS, 'shards')(value) === undefined && Number.isInteger(Math.log2(value as number))
    ? undefined
    : `a power of two from 1 to ${MAX_SHARDS}`;

const isPartitions: OptionRule = wholeNumber(1, 64, 'queues');

const isTouchEvery: OptionRule = (value) =>
  typeof value === 'number' && value >= 0 && value <= 0.5 ? undefined : 'a share from 0 to 0.5';

/** What `WAIT` is asked for at most. */
export const MAX_REPLICAS = 16;

const isReplicas = wholeNumber(1, MAX_REPLICAS, 'replicas');

export const isDurabilityOf: OptionRule = (value) =>
  ['revocations', 'changes'].includes(value as string) ? undefined : 'revocations or changes';

const isDurability: OptionRule = (value) => {
  const { replicas, timeout = 1, of = 'changes', ...rest } = (value ?? {}) as Partial<DurabilityOptions>;
  const fits =
    isReplicas(replicas) === undefined &&
    isMilliseconds(timeout) === undefined &&
    isDurabilityOf(of) === undefined &&
    Object.keys(rest).length === 0;
  return fits
    ? undefined
    : `{ replicas, timeout?, of? }: 1–${MAX_REPLICAS} replicas, milliseconds, 'revocations' or 'changes'`;
};

export const TOKEN_OPTION_RULES: Record<keyof TokenOptions, OptionRule> = {
  prefix: isPrefix,
  shards: isShards,
  partitions: isPartitions,
  tokenPrefix: isTokenPrefix,
  pepper: pepperProblem,
  maxDataBytes: wholeNumber(2, 16 * 2 ** 20, 'bytes'),
  timeout: isMilliseconds,
  maxCommandAge: wholeNumber(1, DECISIONS_KEPT, 'milliseconds'),
  touchEvery: isTouchEvery,
  durability: isDurability,
};

/** @throws {ConfigError} for an option that is unknown, or that its rule refuses. The value is not shown. */
export function checkOptions(what: string, options: unknown, rules: Record<string, OptionRule>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null)
    throw new ConfigError(`${what}: options must be an object`);
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule)
      throw new ConfigError(`${what}: unknown option "${name}"; known are ${Object.keys(rules).join(', ')}`);
    const expected = value === undefined ? undefined : rule(value);
    if (expected !== undefined) throw new ConfigError(`${what}: option "${name}" must be ${expected}`);
  }
}

/**
 * The token options among a door's, with every default. They must have been checked.
 * @param spread what differs by where these tokens are.
 */
export function resolveTokenOptions(
  options: TokenOptions,
  spread: Partial<Spread> = {},
): ResolvedTokenOptions {
  return {
    prefix: options.prefix ?? 'rt',
    shards: options.shards ?? spread.shards ?? 1,
    partitions: options.partitions ?? spread.partitions,
    tokenPrefix: options.tokenPrefix ?? DEFAULT_TOKEN_PREFIX,
    peppers: sealingKeys(options.pepper),
    maxDataBytes: options.maxDataBytes ?? DEFAULT_MAX_DATA_BYTES,
    timeout: options.timeout ?? 5_000,
    maxCommandAge: options.maxCommandAge ?? 900_000,
    touchEvery: options.touchEvery ?? DEFAULT_TOUCH_EVERY,
    durability: options.durability && resolveDurability(options.durability),
  };
}

const resolveDurability = ({
  replicas,
  timeout = 1_000,
  of = 'revocations',
}: DurabilityOptions): ResolvedDurability => ({ replicas, timeout, of });
