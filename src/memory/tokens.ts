/** The operations in memory: what an application's tests use in place of `RedisTokens`. */
import type { TokenEvent } from '../tokens/events.js';
import { type GuessingSuspected, resolveGuessing } from '../tokens/guessing.js';
import { InProcessTokens } from '../tokens/in-process.js';
import { checkOptions, resolveTokenOptions } from '../tokens/options.js';
import { MEMORY_OPTION_RULES, MemoryTokenRepository, type MemoryTokensOptions } from './repository.js';

/**
 * Tokens without a connection: the same checks, secrets, ids and rules as through every other door.
 *
 * @example
 * const tokens = new MemoryTokens();
 * const { token } = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
 * tokens.advance(61);
 * await tokens.get({ app: 'shop', type: 'session', token }); // undefined
 */
export class MemoryTokens extends InProcessTokens {
  /** What the tokens are kept in. */
  readonly repository: MemoryTokenRepository;

  /**
   * @param options those of every door; `prefix` and `shards` change nothing that can be seen here.
   * @throws {ConfigError} for an option that is unknown or wrong.
   */
  constructor(options: MemoryTokensOptions = {}) {
    checkOptions('MemoryTokens', options, MEMORY_OPTION_RULES);
    const repository = new MemoryTokenRepository(options);
    const guessing = resolveGuessing(options.guessing);
    super('MemoryTokens', repository, { ...resolveTokenOptions(options), guessing });
    this.repository = repository;
  }

  /** Every event so far, oldest first. A token's expiry is told once something meets it: a list, or a create. */
  get events(): readonly TokenEvent[] {
    return this.repository.events;
  }

  /** Each client that was told of as guessing so far, oldest first: only with the option `guessing`. */
  get suspicions(): readonly GuessingSuspected[] {
    return this.repository.suspicions;
  }

  /**
   * Lets time pass at once: tokens expire, marks age.
   * @param seconds from 0 up, fractions allowed.
   */
  advance(seconds: number): void {
    this.repository.advance(seconds);
  }
}
