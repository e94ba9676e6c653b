/** Tokens that were rotated, as reads meet them: using one again after its grace is told, and ends its family. */
import type { Commands } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { graceEnds } from './codec.js';
import { type Keys, scopeArgs } from './keys.js';
import type { Store } from './store.js';

export class Rotations {
  readonly #store: Store;
  readonly #keys: Keys;
  /** Hears of the tokens that ended because others were used. */
  onEnd: (id: string) => void = () => {};

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /**
   * For a read that has met a marker. It is no less true that the token is dead where this fails, as it does for a reader
   * who may not write: the next use is told then.
   */
  async read(shard: number, command: Commands['get'], marker: string, commandId = ''): Promise<undefined> {
    const { id, issuedAt } = command;
    if (issuedAt <= graceEnds(marker)) return;
    const keys = [this.#keys.scopeIndex(shard, command), this.#keys.log(shard), this.#keys.record(shard, id)];
    const args = [...scopeArgs(command), commandId, issuedAt, id];
    const ended = await this.#store.readScript('reuse', keys, args).catch(() => []);
    for (const each of ended as string[]) this.onEnd(each);
  }
}

/** For a rotation that no sender of ours has made. */
export const inOtherShard = (): ValidationError =>
  new ValidationError('rotate', [{ field: 'successor', problem: 'must lie in the shard of id' }]);
