/** What the scripts keep of each job's commands, so that none is decided twice, on every shard that they concern. */
import { shardOf } from '../tokens/identity.js';
import type { JobCommand, JobReference } from '../tokens/repository.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

export class JobRecords {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];

  constructor(store: Store, keys: Keys, shards: readonly number[]) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
  }

  async giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    const replies = await this.#onShardsOf(commands, (shard, commandIds) =>
      this.#store.readScript('giveUp', [this.#keys.job(shard, job)], commandIds),
    );
    return new Set((replies as string[][]).flat()); // a revocation is done when every shard says so
  }

  async takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    await this.#onShardsOf(commands, (shard, commandIds) =>
      this.#store.readScript('takeUp', [this.#keys.job(shard, job)], commandIds),
    );
  }

  async release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void> {
    await this.#onShardsOf(commands, (shard) =>
      this.#store.read((client) => client.pexpire(this.#keys.job(shard, job), keptFor)),
    );
  }

  /** Once for each shard that something of these commands is decided on, with their ids. */
  async #onShardsOf(
    commands: readonly JobCommand[],
    run: (shard: number, commandIds: string[]) => Promise<unknown>,
  ): Promise<unknown[]> {
    const byShard = new Map<number, string[]>();
    for (const { command, commandId } of commands) {
      const where = 'id' in command ? [shardOf(command.id, this.#shards.length)] : this.#shards;
      for (const shard of where) {
        const known = byShard.get(shard);
        if (known) known.push(commandId);
        else byShard.set(shard, [commandId]);
      }
    }
    return Promise.all([...byShard].map(([shard, commandIds]) => run(shard, commandIds)));
  }
}
