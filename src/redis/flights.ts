/** Commands under way, each given up at its deadline. One timer serves them all: one for each would cost every read. */

/** Ends a command's flight with an error. */
type Fail = (error: Error) => void;

interface Flight {
  fail: Fail;
  /** By the monotonic clock. */
  deadline: number;
  timeout: number;
}

export class Flights {
  readonly #flights = new Map<Fail, Flight>();
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** @param timeout milliseconds after which it fails, unless it has ended. */
  begin(fail: Fail, timeout: number): void {
    const deadline = performance.now() + timeout;
    this.#flights.set(fail, { fail, deadline, timeout });
    if (deadline < this.#due) this.#wakeAt(deadline);
  }

  end(fail: Fail): void {
    this.#flights.delete(fail);
  }

  failAll(error: Error): void {
    for (const fail of [...this.#flights.keys()]) fail(error);
  }

  /** Leaves no timer, unless somebody still waits. */
  close(): void {
    if (this.#flights.size === 0) clearTimeout(this.#timer);
  }

  /** A command under way has a connection, which keeps the process alive: the timer need not. */
  #wakeAt(due: number): void {
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#failLate(), Math.max(0, due - performance.now())).unref();
  }

  #failLate(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { fail, deadline, timeout } of [...this.#flights.values()]) {
      if (deadline <= now) fail(new Error(`no reply within ${Math.round(timeout)} ms`));
      else next = Math.min(next, deadline);
    }
    this.#due = Number.POSITIVE_INFINITY;
    if (next < this.#due) this.#wakeAt(next);
  }
}
