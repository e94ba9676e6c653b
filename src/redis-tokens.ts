/** RedisTokens: the operations in process, against Redis. */
import type { Cluster, Redis } from 'ioredis';
import { openMigrating } from './migration/open.js';
import { checkMigrateFrom, type MigrateFromOptions } from './migration/options.js';
import { type Connection, closeClient, defaultShards, isClient, openClient } from './redis/connection.js';
import { openRepository } from './redis/durable-repository.js';
import { openNearCache } from './redis/near-cache/open.js';
import type { CacheOptions } from './redis/near-cache/options.js';
import { ClosedError, ConfigError } from './tokens/errors.js';
import { type GuessingOptions, resolveGuessing } from './tokens/guessing.js';
import { InProcessTokens } from './tokens/in-process.js';
import {
  checkOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from './tokens/options.js';
import { isTelemetry, type Telemetry } from './tokens/telemetry.js';
import { TracedRepository } from './tokens/traced-repository.js';

/** Options of every door, whether reads are answered from the process, where older tokens are, and who is told of operations. */
export interface RedisTokensOptions extends TokenOptions {
  /** Keeps records that were read in the process, until Redis tells of a change; `{}` is enough. Default: none are kept. */
  cache?: CacheOptions | undefined;
  /** Tells of clients that present many tokens that are none; `{}` is enough. Default: no misses are counted. */
  guessing?: GuessingOptions | undefined;
  /** Moves tokens that redis-tokens 0.0 stored when they are used or revoked; `{}` is enough. Default: they are unknown. */
  migrateFrom?: MigrateFromOptions | undefined;
  /** Traces operations: `openTelemetry()` of `redis-tokens/telemetry`. Default: none are. */
  telemetry?: Telemetry | undefined;
}

/** Those of objects have rules of their own. */
const RULES = {
  ...TOKEN_OPTION_RULES,
  cache: () => undefined,
  guessing: () => undefined,
  migrateFrom: () => undefined,
  telemetry: isTelemetry,
};

/**
 * Creates, reads, refreshes, updates and revokes tokens in Redis.
 *
 * @example
 * const tokens = new RedisTokens('redis://localhost:6379');
 * const { token } = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 86_400 });
 * await tokens.get({ app: 'shop', type: 'session', token });
 */
export class RedisTokens<Client extends Redis | Cluster = Redis> extends InProcessTokens {
  readonly #connection: Connection | undefined;
  #client: Client | undefined;

  /**
   * @param connection a `redis:` or `rediss:` URL, ioredis options, or an ioredis client of the caller's own.
   *   Default `redis://localhost:6379`.
   * @throws {ConfigError} for a connection or an option that can not work.
   */
  constructor(connection: Client, options?: RedisTokensOptions);
  constructor(connection?: Connection, options?: RedisTokensOptions);
  constructor(connection?: Connection, options: RedisTokensOptions = {}) {
    checkOptions('RedisTokens', options, RULES);
    const { cache, migrateFrom, telemetry } = options;
    if (migrateFrom !== undefined) checkMigrateFrom(migrateFrom);
    const resolved = {
      ...resolveTokenOptions(options, defaultShards(connection)),
      guessing: resolveGuessing(options.guessing),
    };
    if (migrateFrom !== undefined && resolved.peppers.length === 0)
      throw new ConfigError(
        'RedisTokens: option "migrateFrom" needs the pepper: tokens are sealed as they are moved',
      );
    const stored =
      cache !== undefined
        ? openNearCache(connection, resolved, cache)
        : openRepository(connection, resolved, { isDoor: true });
    const repository =
      migrateFrom === undefined ? stored : openMigrating(stored, connection, resolved, migrateFrom);
    super('RedisTokens', telemetry ? new TracedRepository(repository, telemetry) : repository, resolved);
    this.#connection = connection;
  }

  /**
   * An ioredis client for other commands: the one that was given, or else an ordinary one that opens on first use
   * and is closed with this object. Operations on tokens run on a connection of their own.
   * @throws {ClosedError} where none was opened before this object was closed.
   */
  get client(): Client {
    if (isClient(this.#connection)) return this.#connection as Client;
    if (!this.#client && this.isClosed) throw new ClosedError('RedisTokens');
    this.#client ??= openClient(this.#connection) as Client;
    return this.#client;
  }

  /** Waits for calls under way, and ends what was opened here. Safe to call twice. */
  override async close(): Promise<void> {
    await super.close();
    if (this.#client) await closeClient(this.#client);
  }
}
