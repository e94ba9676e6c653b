/** Reads records: one `GET` each, or one `MGET` per shard for the many that start in one tick. */
import { getAll } from './cluster.js';
import { isCluster } from './connection.js';
import { Gathering } from './gathering.js';
import type { Store } from './store.js';

type Text = string | null;

/** From so many reads in a tick on, the cost of a command each outweighs that of gathering them. */
const GATHER_FROM = 4;
const GATHER_AT_MOST = 256; // so that no reply holds up the others for long

interface Waiting {
  key: string;
  resolve(text: Text | Promise<Text>): void;
  reject(error: unknown): void;
}

export class RecordReader {
  readonly #store: Store;
  readonly #gathering = new Gathering<Waiting>((reads) => this.#send(reads));

  constructor(store: Store) {
    this.#store = store;
  }

  read(shard: number, key: string): Promise<Text> {
    return new Promise((resolve, reject) => this.#gathering.add(shard, { key, resolve, reject }));
  }

  #send(reads: Waiting[]): void {
    if (reads.length < GATHER_FROM) {
      for (const { key, resolve } of reads) resolve(this.#store.read((client) => client.get(key)));
      return;
    }
    for (let from = 0; from < reads.length; from += GATHER_AT_MOST) {
      this.#gather(reads.slice(from, from + GATHER_AT_MOST));
    }
  }

  #gather(reads: Waiting[]): void {
    const keys = reads.map(({ key }) => key);
    this.#store
      .read((client) => (isCluster(client) ? getAll(client, keys) : client.mget(keys)))
      .then(
        (texts) => {
          for (const [i, { resolve }] of reads.entries()) resolve(texts[i] ?? null);
        },
        (error: unknown) => {
          for (const { reject } of reads) reject(error);
        },
      );
  }
}
