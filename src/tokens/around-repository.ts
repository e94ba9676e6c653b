/** What a repository around another one leaves to that: its time, who misses, what stands of jobs, and the sweep. */
import type { Microseconds } from './clock.js';
import type { Miss } from './guessing.js';
import type { JobCommand, JobReference, TokenRepository } from './repository.js';

export abstract class AroundRepository {
  protected readonly repository: TokenRepository;

  constructor(repository: TokenRepository) {
    this.repository = repository;
  }

  now(): Microseconds {
    return this.repository.now();
  }

  reckoned(): Microseconds {
    return this.repository.reckoned();
  }

  missed(miss: Miss): void {
    this.repository.missed?.(miss);
  }

  giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    return this.repository.giveUp(job, commands);
  }

  takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    return this.repository.takeUp(job, commands);
  }

  release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void> {
    return this.repository.release(job, commands, keptFor);
  }

  sweep(signal?: AbortSignal): Promise<number> {
    return this.repository.sweep(signal);
  }
}
