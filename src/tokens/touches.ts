/** Writes down, in the background, that tokens were used: a read does not wait for it, and does not fail by it. */
import { MICROS_PER_MS } from './clock.js';
import { durationMs } from './fields.js';
import type { TokenRepository } from './repository.js';
import type { TokenRecord } from './types.js';

export class Touches {
  readonly #repository: TokenRepository;
  readonly #share: number;
  /** One at a time for each token, by its id. */
  readonly #underWay = new Map<string, Promise<void>>();

  /** @param share of its idle time, within which a token's uses are written down once. */
  constructor(repository: TokenRepository, share: number) {
    this.#repository = repository;
    this.#share = share;
  }

  /** The record was answered to somebody who uses its token. The first use is always written down. */
  used({ id, app, type, idle, lastUsedAt }: TokenRecord): void {
    if (idle === undefined || this.#underWay.has(id)) return;
    const every = durationMs(idle) * this.#share;
    const isDue =
      lastUsedAt === undefined || this.#repository.reckoned() / MICROS_PER_MS - lastUsedAt >= every;
    if (!isDue) return; // without a stamp: reads are many
    const touch = this.#touch({ id, app, type, usedAt: this.#repository.now(), every });
    this.#underWay.set(
      id,
      touch.then(() => void this.#underWay.delete(id)),
    );
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  /** A use that can not be written down is none: whoever reads next may do it. */
  async #touch(use: Parameters<TokenRepository['touch']>[0]): Promise<void> {
    try {
      await this.#repository.touch(use);
    } catch {
      // The store is away, or refuses: reads tell of that.
    }
  }
}
