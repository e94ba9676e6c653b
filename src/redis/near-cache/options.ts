/** How many records are kept in the process, and for how long. */
import { checkOptions, type OptionRule, wholeNumber } from '../../tokens/options.js';

/** Of the near cache. */
export interface CacheOptions {
  /** Records at most; one is as large as its data. Default 10,000. */
  max?: number | undefined;
  /** Milliseconds for which a record may be answered without asking Redis. Default 5,000, at most 60,000. */
  ttl?: number | undefined;
}

export type ResolvedCacheOptions = { max: number; ttl: number };

const RULES: Record<keyof CacheOptions, OptionRule> = {
  max: wholeNumber(1, 1_000_000, 'records'),
  ttl: wholeNumber(1, 60_000, 'milliseconds'),
};

/** With every default. @throws {ConfigError} */
export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  checkOptions('cache', options, RULES);
  return { max: options.max ?? 10_000, ttl: options.ttl ?? 5_000 };
}
