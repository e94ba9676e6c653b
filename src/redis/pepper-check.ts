/** Whether the peppers of a process are those that a deployment's tokens are sealed with. What stands there tells no key. */
import { ConfigError } from '../tokens/errors.js';
import { checkOf, NO_PEPPER, type SealingKey } from '../tokens/pepper.js';
import { isForbidden } from './failure.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

/** The peppers that have sealed, as `<id>=<check>`, the latest last. */
const SEALED = 'pepper';

/** The field of a pepper's check. */
const fieldOf = (id: string): string => `pepper:${id}`;

export class PepperCheck {
  readonly #store: Store;
  readonly #meta: string;
  readonly #peppers: readonly { id: string; check: string }[];

  constructor(store: Store, keys: Keys, peppers: readonly SealingKey[]) {
    this.#store = store;
    this.#meta = keys.meta;
    this.#peppers = peppers.map((key) => ({ id: key.id, check: checkOf(key) }));
  }

  /**
   * Fixes what is not fixed yet; who may not write leaves that to others.
   * @throws {ConfigError} where tokens that are sealed here are unknown in the deployment, or the other way round.
   */
  async found(): Promise<void> {
    if (this.#peppers.length === 0) return;
    const args = this.#peppers.flatMap(({ id, check }) => [id, check]);
    try {
      this.#check((await this.#store.readScript('pepper', [this.#meta], args)) as (string | null)[]);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await this.#compare();
    }
  }

  /** Nothing is written. */
  async #compare(): Promise<void> {
    const fields = [SEALED, ...this.#peppers.map(({ id }) => fieldOf(id))];
    this.#check(await this.#store.read((client) => client.hmget(this.#meta, ...fields)));
  }

  /** @param standing what has sealed, and the check of each of these. */
  #check([sealed, ...checks]: (string | null)[]): void {
    for (const [i, { id, check }] of this.#peppers.entries()) {
      if (checks[i] && checks[i] !== check) throw this.#refusal(`${named(id)} has another key here`);
    }
    const [id = '', latest] = sealed?.split(' ').at(-1)?.split('=') ?? [];
    if (latest === undefined || this.#peppers.some(({ check }) => check === latest)) return;
    if (latest === NO_PEPPER)
      throw this.#refusal(
        "tokens are sealed without a pepper in this deployment: list { id: 'none', key: null } (in a file the line none:) with those given here",
      );
    const isNone = this.#peppers.every(({ check }) => check === NO_PEPPER);
    throw this.#refusal(
      `tokens are sealed with ${named(id)} in this deployment, ${isNone ? 'and none is given here' : 'which is not among those given here'}`,
    );
  }

  #refusal(problem: string): ConfigError {
    return new ConfigError(`${this.#meta}: ${problem} (option "pepper")`);
  }
}

const named = (id: string): string => (id === '' ? 'the pepper without an id' : `the pepper "${id}"`);
