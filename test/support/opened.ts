// What a test opened is closed after it, the newest first, however the test ended.
interface Closable {
  close(): Promise<unknown>;
}

export class Opened {
  #closers: (() => unknown)[] = [];

  /** Registers the hook: to be made in the body of a `describe`. */
  constructor() {
    afterEach(() => this.close());
  }

  add<T extends Closable>(closable: T): T {
    return this.later(closable, () => closable.close());
  }

  later<T>(subject: T, close: () => unknown): T {
    this.#closers.push(close);
    return subject;
  }

  async close(): Promise<void> {
    const closers = this.#closers.reverse();
    this.#closers = [];
    for (const close of closers) await close();
  }
}
