/** Bounds how much is under way at a time, by weight; who comes first is served first. */

interface Waiting {
  weight: number;
  begin(): void;
}

export class Permits {
  readonly #total: number;
  readonly #waiting: Waiting[] = [];
  #free: number;

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** Runs something as soon as there is room for it; what weighs more than all of it runs alone. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(weight, this.#total);
    await this.#room(taken);
    try {
      return await work();
    } finally {
      this.#free += taken;
      this.#next();
    }
  }

  #room(weight: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ weight, begin: resolve });
      this.#next();
    });
  }

  #next(): void {
    for (let [first] = this.#waiting; first && first.weight <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= first.weight;
      first.begin();
    }
  }
}
