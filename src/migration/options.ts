/** Where tokens of redis-tokens 0.0 are moved from as they are used. */
import { checkConnection } from '../redis/check-connection.js';
import type { Connection } from '../redis/connection.js';
import { durationProblem } from '../tokens/fields.js';
import { checkOptions, type OptionRule } from '../tokens/options.js';

/** Where older tokens are. */
export interface MigrateFromOptions {
  /** Where redis-tokens 0.0 keeps its tokens: a URL, ioredis options or a client of your own. Default: the door's connection. */
  connection?: Connection | undefined;
  /** Seconds that tokens which never expire live from when they are moved. Default: such tokens are not moved, and read as missing. */
  duration?: number | undefined;
}

const RULES: Record<keyof MigrateFromOptions, OptionRule> = {
  connection: () => undefined, // checked below
  duration: (value) =>
    durationProblem(value) === undefined ? undefined : 'more than 0 seconds, at most ten years',
};

/** @throws {ConfigError} */
export function checkMigrateFrom(options: MigrateFromOptions): void {
  checkOptions('migrateFrom', options, RULES);
  checkConnection(options.connection);
}
