/** The jobs that a worker runs, each of which can be given back to its queue before it is done. */
import { type Job, WaitingError } from 'bullmq';
import type { JobResult } from './wire.js';

export class JobsUnderWay {
  readonly #giveBacks = new Set<() => Promise<void>>();
  #isOver = false;

  get size(): number {
    return this.#giveBacks.size;
  }

  /** Runs a job, unless it is given back before. */
  run(job: Job, token: string | undefined, execute: () => Promise<JobResult>): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      const giveBack = async () => {
        await job.moveToWait(token).catch(() => {});
        reject(new WaitingError());
      };
      if (this.#isOver) {
        giveBack();
        return;
      }
      this.#giveBacks.add(giveBack);
      execute()
        .then(resolve, reject)
        .finally(() => this.#giveBacks.delete(giveBack));
    });
  }

  /**
   * What still runs is another worker's at once, and not when its lease is over: what was decided for it stays so. The
   * same goes for what is handed over from now on, by fetches that were under way.
   */
  async giveBack(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#giveBacks].map((giveBack) => giveBack()));
  }
}
