/** The executor with its eyes on the clock: what came of each command, and how long it took. */
import { CommandExecutor, type ExecutableJob, type ExecutorRules } from '../queue/executor.js';
import type { Lane } from '../queue/lanes.js';
import type { CommandResult } from '../queue/wire.js';
import { isOperation } from '../tokens/commands.js';
import type { TokenRepository } from '../tokens/repository.js';

/** Who is told what the executor did. */
export interface CommandObserver {
  /** @param outcome `completed`, or the code of the error that it failed with. @param age seconds since it was issued. */
  command(lane: Lane, operation: string, outcome: string, age: number | undefined): void;
  /** @param seconds for which an attempt at a job ran. @param again whether the job is to run again. */
  attempt(lane: Lane, seconds: number, again: boolean): void;
}

export class MeasuredExecutor extends CommandExecutor {
  readonly #now: () => number;
  readonly #observer: CommandObserver;

  constructor(repository: TokenRepository, rules: ExecutorRules, observer: CommandObserver) {
    super(repository, rules);
    this.#now = () => repository.reckoned();
    this.#observer = observer;
  }

  override async execute(
    job: ExecutableJob,
    lease: number,
    hold: () => Promise<void>,
  ): Promise<CommandResult[]> {
    const { lane } = job;
    const begun = performance.now();
    let results: CommandResult[] | undefined;
    try {
      results = await super.execute(job, lease, hold);
    } finally {
      this.#observer.attempt(lane, (performance.now() - begun) / 1_000, results === undefined);
    }
    const now = this.#now();
    for (const [i, { op, error }] of results.entries()) {
      // Whoever wrote the job chose the name, and with other names every time there would be no end of them.
      const operation = isOperation(op) ? op : 'unknown';
      this.#observer.command(lane, operation, error?.code ?? 'completed', ageOf(job, i, now));
    }
    return results;
  }
}

/** By the clock of whoever issued it. Nothing where that can not be. */
function ageOf(job: ExecutableJob, i: number, now: number): number | undefined {
  const { commands } = job.data as { commands: { issuedAt?: unknown }[] };
  const age = (now - Number(commands[i]?.issuedAt)) / 1_000_000;
  return age >= 0 ? age : undefined;
}
