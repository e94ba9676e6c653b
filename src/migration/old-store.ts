/** Where redis-tokens 0.0 keeps its tokens: reads them in steps, and removes them where they are as they were read. */

import { type Connection, isOfCluster } from '../redis/connection.js';
import { checkDatabase } from '../redis/deployment.js';
import { Store } from '../redis/store.js';
import { ConfigError, TokenError } from '../tokens/errors.js';
import { OLD_KEYS } from './old-token.js';

/** Keys that one script reads or removes: some milliseconds, for which Redis serves nobody else. */
const AT_ONCE = 100;

/** Keys that Redis looks at in one step. */
const SCANNED_AT_ONCE = 1_000;

export const NO_EXPIRY = -1;
const NOT_THERE = -2;

/** A token as it stands there. */
export interface OldEntry {
  key: string;
  /** Its data as JSON; null where it is no text. */
  text: string | null;
  /** Epoch milliseconds, or `NO_EXPIRY`. */
  expiresAt: number;
}

/** What became of an entry that was to be removed. */
export type Removal = 'removed' | 'changed' | 'gone';

export class OldStore {
  readonly #store: Store;

  /** @param timeout milliseconds after which a command is given up. @throws {ConfigError} */
  constructor(connection: Connection | undefined, timeout: number) {
    // It has one key per command, but walks over all of them: redis-tokens 0.0 never worked on a Cluster.
    if (isOfCluster(connection))
      throw new ConfigError('redis-tokens 0.0 keeps no tokens on a Cluster: give the server that has them');
    this.#store = new Store(connection, timeout);
  }

  /** Resolves when it answers. @throws {StoreUnavailableError} {ConfigError} */
  async ready(): Promise<void> {
    try {
      await this.#store.connected();
      await checkDatabase(this.#store);
    } catch (error) {
      if (error instanceof TokenError) error.message = `where the old tokens are: ${error.message}`;
      throw error;
    }
  }

  /** How many keys there are, of whatever kind. */
  size(): Promise<number> {
    return this.#store.read((client) => client.dbsize());
  }

  /**
   * All names, in steps of some hundred: one that is there all the while at least once. After each step it answers how
   * many keys of whatever kind were looked at.
   */
  async *names(): AsyncGenerator<{ keys: string[]; looked: number }> {
    let cursor = '0';
    let looked = 0;
    do {
      const [next, keys] = await this.#store.read((client) =>
        client.scan(cursor, 'MATCH', `${OLD_KEYS}*`, 'COUNT', SCANNED_AT_ONCE),
      );
      cursor = next;
      looked += SCANNED_AT_ONCE;
      yield { keys: [...new Set(keys)], looked }; // it may show one twice
    } while (cursor !== '0');
  }

  /** `undefined` for those that are not there. */
  async read(keys: readonly string[]): Promise<(OldEntry | undefined)[]> {
    const replies = await Promise.all(
      parts(keys).map((part) => this.#store.readScript('oldRead', part, []) as Promise<(string | number)[]>),
    );
    const found = replies.flat();
    return keys.map((key, i) => {
      const expiresAt = Number(found[2 * i + 1]);
      return expiresAt === NOT_THERE ? undefined : { key, text: found[2 * i] as string | null, expiresAt };
    });
  }

  /** Removes those that are as they were read. */
  async remove(entries: readonly OldEntry[]): Promise<Removal[]> {
    const replies = await Promise.all(
      parts(entries).map((part) => {
        const args = part.flatMap(({ text, expiresAt }) => [text ?? '', expiresAt]);
        const keys = part.map(({ key }) => key);
        return this.#store.change('oldRemove', keys, args) as Promise<number[]>;
      }),
    );
    return replies.flat().map((reply) => (reply === 1 ? 'removed' : reply === 0 ? 'changed' : 'gone'));
  }

  /** Removes them, whatever they hold. Answers how many were there. */
  async drop(keys: readonly string[]): Promise<number> {
    let dropped = 0;
    for (const part of parts(keys)) dropped += await this.#store.read((client) => client.unlink(...part)); // once more does no harm
    return dropped;
  }

  /** Those that are there. */
  async existing(keys: readonly string[]): Promise<Set<string>> {
    const counts = await Promise.all(keys.map((key) => this.#store.read((client) => client.exists(key))));
    return new Set(keys.filter((_, i) => counts[i] === 1));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

function parts<T>(all: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let from = 0; from < all.length; from += AT_ONCE) found.push(all.slice(from, from + AT_ONCE));
  return found;
}
