/** The calls under way at an object that can be closed. */
import { ClosedError } from './errors.js';

export class ActiveCalls {
  readonly #name: string;
  readonly #idle: (() => void)[] = [];
  #active = 0;
  #closing: Promise<void> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Runs a call, which may throw or answer at once; rejects when closed. */
  async run<R>(call: () => Promise<R> | R): Promise<R> {
    this.begin();
    try {
      return await call();
    } finally {
      this.end();
    }
  }

  /** For a call that is worth sparing a promise: `end` must follow, whatever becomes of it. @throws {ClosedError} */
  begin(): void {
    if (this.#closing) throw new ClosedError(this.#name);
    this.#active++;
  }

  end(): void {
    this.#active--;
    if (this.#active === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Refuses further calls, and resolves when those under way have settled. */
  close(): Promise<void> {
    this.#closing ??=
      this.#active === 0 ? Promise.resolve() : new Promise<void>((resolve) => this.#idle.push(resolve));
    return this.#closing;
  }
}
