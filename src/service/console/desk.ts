/** What an operator does at the console: looks at an owner's tokens, revokes, and sees to dead letters. */
import { DeadLetters } from '../../queue/dead-letters.js';
import { LANES, type Lane } from '../../queue/lanes.js';
import { RedisTokens } from '../../redis-tokens.js';
import type { TokenRecord } from '../../tokens/types.js';
import { type Settings, tokenOptions } from '../settings.js';
import type { DeadLetterShown, DeadLettersAnswer, OwnerAnswer, TokenShown } from './page/wire.js';

export interface OwnerOf {
  app: string;
  type: string;
  owner: string;
}

/** Tokens, and dead letters of each queue, that are shown at a time. */
const TOKENS = 200;
const LETTERS = 50;

/** Commands of a dead letter that are named. */
const COMMANDS = 20;

/** Who revoked, as its events tell. */
const BY = { by: 'admin', reason: 'console' } as const;

export class Desk {
  readonly #tokens: RedisTokens;
  readonly #letters: DeadLetters;

  constructor(settings: Settings) {
    const options = tokenOptions(settings);
    this.#tokens = new RedisTokens(settings.connection as string, options);
    this.#letters = new DeadLetters(settings.connection, options);
  }

  async tokensOf(owner: OwnerOf): Promise<OwnerAnswer> {
    const records = await this.#tokens.list({ ...owner, limit: TOKENS + 1 });
    const count = records.length > TOKENS ? await this.#tokens.count(owner) : records.length;
    const shown = records.slice(0, TOKENS).map(toShown);
    return { count, tokens: shown, more: records.length > TOKENS };
  }

  /** Whether it was alive. */
  revoke(owner: OwnerOf, id: string): Promise<boolean> {
    return this.#tokens.deleteById({ ...owner, id, ...BY });
  }

  /** How many were. */
  revokeAll(owner: OwnerOf): Promise<number> {
    return this.#tokens.deleteAll({ ...owner, ...BY });
  }

  async deadLetters(): Promise<DeadLettersAnswer> {
    await this.#letters.ready();
    const letters: DeadLetterShown[] = [];
    let count = 0;
    for (const lane of LANES) {
      count += await this.#letters.count(lane);
      let left = LETTERS;
      for await (const { jobId, failedAt, attempts, reason, data } of this.#letters.of(lane)) {
        if (left-- === 0) break;
        letters.push({ lane, job: jobId, failedAt, attempts, reason, commands: commandsIn(data) });
      }
    }
    return { count, letters: letters.sort((a, b) => b.failedAt - a.failedAt) };
  }

  /** False where it is no dead letter any more. @throws {ValidationError} where no worker can read it. */
  async retry(lane: Lane, job: string): Promise<boolean> {
    await this.#letters.ready();
    return this.#letters.retry(lane, job);
  }

  async drop(lane: Lane, job: string): Promise<boolean> {
    await this.#letters.ready();
    return this.#letters.drop(lane, job);
  }

  async close(): Promise<void> {
    await Promise.all([this.#tokens.close(), this.#letters.close()]);
  }
}

/** Each by its name: a token's data is the application's own, and may be anything. */
function toShown({ id, label, hint, version, createdAt, expiresAt, lastUsedAt }: TokenRecord): TokenShown {
  return {
    ...{ id, version, createdAt, expiresAt },
    ...(label === undefined ? {} : { label }),
    ...(hint === undefined ? {} : { hint }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  };
}

/** What the commands of a job were to do; whoever wrote it may have written anything. */
function commandsIn(data: unknown): string[] {
  const { commands } = (data ?? {}) as { commands?: unknown };
  if (!Array.isArray(commands)) return [];
  const named = commands.slice(0, COMMANDS).map((command) => {
    const { op, app, type, owner, id } = (command ?? {}) as Record<string, unknown>;
    const words = [op, app, type, owner ?? id].filter((word) => typeof word === 'string');
    return words.map((word) => String(word).slice(0, 256)).join(' ');
  });
  const more = commands.length - named.length;
  return more > 0 ? [...named, `and ${more} more`] : named;
}
