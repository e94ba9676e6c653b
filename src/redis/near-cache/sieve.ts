/** Keeps so many entries and lets go of what is read least (SIEVE, NSDI 2024): a hit moves nothing. */

/** The sieve marks an entry as read. */
interface Readable {
  read: boolean;
}

export class Sieve<E extends Readable> {
  readonly #max: number;
  readonly #entries = new Map<string, E>();
  /** Goes from the oldest to the newest, and begins anew: one iterator, so that no entry is passed twice. */
  #hand: Iterator<[string, E]> = this.#entries.entries();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): E | undefined {
    const entry = this.#entries.get(id);
    if (entry) entry.read = true;
    return entry;
  }

  set(id: string, entry: E): void {
    if (this.#entries.size >= this.#max && !this.#entries.has(id)) this.#evict();
    this.#entries.set(id, entry);
  }

  delete(id: string): void {
    this.#entries.delete(id);
  }

  deleteWhere(fits: (entry: E) => boolean): void {
    for (const [id, entry] of this.#entries) if (fits(entry)) this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#hand = this.#entries.entries();
  }

  /** The first entry under the hand that was not read since the hand last passed it. */
  #evict(): void {
    for (;;) {
      const { value, done } = this.#hand.next();
      if (done) {
        this.#hand = this.#entries.entries();
        continue;
      }
      const [id, entry] = value;
      if (!entry.read) {
        this.#entries.delete(id);
        return;
      }
      entry.read = false;
    }
  }
}
