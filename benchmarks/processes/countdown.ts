// Tells when so many things have happened, or that one went wrong.
export class Countdown {
  #left = 0;
  #resolve: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  /** Resolves after so many more than were asked for before. */
  after(count: number): Promise<void> {
    this.#left += count;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#check();
    });
  }

  count(): void {
    this.#left -= 1;
    this.#check();
  }

  fail(error: Error): void {
    this.#reject?.(error);
  }

  #check(): void {
    if (this.#left <= 0) this.#resolve?.();
  }
}
