/** Whether this worker serves commands at the moment. */
import type { TokenWorker } from '../queue/worker.js';
import type { Overview } from './overview.js';

export class Readiness {
  readonly #worker: TokenWorker;
  readonly #overview: Overview;
  readonly #stop: AbortSignal;

  /** @param stop aborts when the worker is to end. */
  constructor(worker: TokenWorker, overview: Overview, stop: AbortSignal) {
    this.#worker = worker;
    this.#overview = overview;
    this.#stop = stop;
  }

  /** Why it does not serve; nothing where it does: it takes jobs of both queues, and Redis answers. */
  async problem(): Promise<string | undefined> {
    if (this.#stop.aborted) return 'the worker is draining';
    if (!this.#worker.isServing) return 'the worker takes no jobs: it has not started yet, or has lost Redis';
    try {
      await this.#overview.ready();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
