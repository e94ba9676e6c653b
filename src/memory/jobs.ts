/** What was decided for the commands of each job: a job that runs again is answered the same. */
import { MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';
import type { WireError } from '../tokens/errors.js';
import type { Attempt, JobReference } from '../tokens/repository.js';

const LIFE: Microseconds = 7 * 86_400 * MICROS_PER_SECOND;

/** A small outcome, or the refusal. */
export type Decision = { outcome: unknown } | { refusal: WireError };

interface JobRecord {
  until: Microseconds;
  decisions: Map<string, Decision>;
}

export class JobRecords {
  readonly #jobs = new Map<string, JobRecord>();

  /** What was decided for this command of the attempt's job, where it carries one. */
  find({ job, commandId = '' }: Attempt, now: Microseconds): Decision | undefined {
    const record = job && this.#jobs.get(keyOf(job));
    return record && now <= record.until ? record.decisions.get(commandId) : undefined;
  }

  /** Without a job, a decision is nobody's to ask for again. */
  keep({ job, commandId = '' }: Attempt, decision: Decision, now: Microseconds): void {
    if (!job) return;
    const known = this.#jobs.get(keyOf(job));
    const decisions = known && now <= known.until ? known.decisions : new Map<string, Decision>();
    decisions.set(commandId, decision);
    this.#jobs.set(keyOf(job), { until: now + LIFE, decisions });
  }
}

const keyOf = ({ queue, id, issuedAt }: JobReference): string => JSON.stringify([queue, id, issuedAt]);
