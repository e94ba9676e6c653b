/** What was decided for the commands of each job: a job that runs again is answered the same. */
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import { GivenUpError, TokenError } from '../tokens/errors.js';
import { DECISIONS_KEPT } from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference } from '../tokens/repository.js';

const LIFE: Microseconds = DECISIONS_KEPT * MICROS_PER_MS;

/** A small outcome, or the refusal. */
type Decision = { outcome: unknown } | { refusal: TokenError };

/** An attempt, and the moment it is made in. */
type Timed = Attempt & { now: Microseconds };

interface JobRecord {
  until: Microseconds;
  decisions: Map<string, Decision>;
}

export class JobRecords {
  readonly #jobs = new Map<string, JobRecord>();

  /** Decides a command once, and answers the same to every attempt of its job: refusals too. */
  once<O>(attempt: Timed, decide: () => O): O {
    let decision = this.#find(attempt);
    if (!decision) {
      try {
        decision = { outcome: decide() };
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        decision = { refusal: error };
      }
      this.#keep(attempt, decision);
    }
    if ('refusal' in decision) throw decision.refusal;
    return decision.outcome as O;
  }

  giveUp(job: JobReference, commands: readonly JobCommand[], now: Microseconds): Set<string> {
    const decisions = this.#decisionsOf(job, now);
    const ids = commands.map(({ commandId }) => commandId);
    for (const id of ids) if (!decisions.has(id)) decisions.set(id, { refusal: new GivenUpError() });
    this.#jobs.set(keyOf(job), { until: now + LIFE, decisions });
    return new Set(ids.filter((id) => isGivenUp(decisions.get(id))));
  }

  takeUp(job: JobReference, commands: readonly JobCommand[], now: Microseconds): void {
    const decisions = this.#decisionsOf(job, now);
    for (const { commandId } of commands) {
      if (isGivenUp(decisions.get(commandId))) decisions.delete(commandId);
    }
  }

  release(job: JobReference, until: Microseconds): void {
    const known = this.#jobs.get(keyOf(job));
    if (known) known.until = Math.min(known.until, until);
  }

  #find({ job, commandId = '', now }: Timed): Decision | undefined {
    const record = job && this.#jobs.get(keyOf(job));
    return record && now <= record.until ? record.decisions.get(commandId) : undefined;
  }

  /** Without a job, a decision is nobody's to ask for again. */
  #keep({ job, commandId = '', now }: Timed, decision: Decision): void {
    if (!job) return;
    const decisions = this.#decisionsOf(job, now);
    decisions.set(commandId, decision);
    this.#jobs.set(keyOf(job), { until: now + LIFE, decisions });
  }

  #decisionsOf(job: JobReference, now: Microseconds): Map<string, Decision> {
    const known = this.#jobs.get(keyOf(job));
    return known && now <= known.until ? known.decisions : new Map<string, Decision>();
  }
}

const isGivenUp = (decision: Decision | undefined): boolean =>
  decision !== undefined && 'refusal' in decision && decision.refusal instanceof GivenUpError;

const keyOf = ({ queue, id, issuedAt }: JobReference): string => JSON.stringify([queue, id, issuedAt]);
