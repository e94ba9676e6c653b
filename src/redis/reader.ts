/** Reads records: one `GET` each, or one `MGET` per shard for the many that start in one tick. */
import type { Store } from './store.js';

/** What becomes of a record's text; `null` where there is none. */
type Decode<T> = (text: string | null) => T;

/** From so many reads in a tick on, the cost of a command each outweighs that of gathering them. */
const GATHER_FROM = 4;
const GATHER_AT_MOST = 256; // so that no reply holds up the others for long

interface Waiting {
  key: string;
  settle(text: string | null): void;
  reject(error: unknown): void;
}

export class RecordReader {
  readonly #store: Store;
  readonly #waiting = new Map<number, Waiting[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  read<T>(shard: number, key: string, decode: Decode<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const read: Waiting = {
        key,
        settle: (text) => {
          try {
            resolve(decode(text));
          } catch (error) {
            reject(error);
          }
        },
        reject,
      };
      if (this.#waiting.size === 0) process.nextTick(() => this.#send());
      const waiting = this.#waiting.get(shard);
      if (waiting) waiting.push(read);
      else this.#waiting.set(shard, [read]);
    });
  }

  #send(): void {
    const shards = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const reads of shards) {
      if (reads.length < GATHER_FROM) {
        for (const { key, settle, reject } of reads) {
          this.#store.read((client) => client.get(key)).then(settle, reject);
        }
        continue;
      }
      for (let from = 0; from < reads.length; from += GATHER_AT_MOST) {
        this.#gather(reads.slice(from, from + GATHER_AT_MOST));
      }
    }
  }

  #gather(reads: Waiting[]): void {
    const keys = reads.map(({ key }) => key);
    this.#store
      .read((client) => client.mget(keys))
      .then(
        (texts) => {
          for (let i = 0; i < reads.length; i++) (reads[i] as Waiting).settle(texts[i] ?? null);
        },
        (error: unknown) => {
          for (const { reject } of reads) reject(error);
        },
      );
  }
}
