/** Gathers what is asked for in one tick, shard by shard: what lies in one slot can be asked for together. */

export class Gathering<T> {
  readonly #send: (items: T[]) => void;
  readonly #waiting = new Map<number, T[]>();

  /** @param send is given what was gathered for one shard, in its order. It must not throw. */
  constructor(send: (items: T[]) => void) {
    this.#send = send;
  }

  add(shard: number, item: T): void {
    if (this.#waiting.size === 0) process.nextTick(() => this.#flush());
    const waiting = this.#waiting.get(shard);
    if (waiting) waiting.push(item);
    else this.#waiting.set(shard, [item]);
  }

  #flush(): void {
    const shards = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const items of shards) this.#send(items);
  }
}
