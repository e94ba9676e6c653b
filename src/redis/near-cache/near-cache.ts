/** A repository with a cache before it: what was read lately is answered from the process, until Redis tells of a change. */
import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';
import { MICROS_PER_MS, type Microseconds } from '../../tokens/clock.js';
import type { Commands } from '../../tokens/commands.js';
import type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from '../../tokens/repository.js';
import type { Scope, TokenRecord } from '../../tokens/types.js';
import { Entry } from './entry.js';
import type { Invalidations } from './invalidations.js';
import type { ResolvedCacheOptions } from './options.js';

const ID_LENGTH = 22;

/** Stands for a read under way, whose answer may be kept for as long as nothing happened to its record. */
type Flight = object;

export class NearCache implements TokenRepository {
  readonly #repository: TokenRepository;
  readonly #invalidations: Invalidations;
  readonly #ttl: number;
  readonly #entries: LRUCache<string, Entry>;
  /** The latest read of each id: none may be kept that began before another. */
  readonly #flights = new Map<string, Flight>();

  constructor(repository: TokenRepository, invalidations: Invalidations, { max, ttl }: ResolvedCacheOptions) {
    this.#repository = repository;
    this.#invalidations = invalidations;
    this.#ttl = ttl;
    this.#entries = new LRUCache({ max });
    repository.onEnd?.((id) => this.#evict(id));
    invalidations.listener = {
      invalidated: (key) => this.#evict(key.slice(-ID_LENGTH)),
      lost: () => this.#evictAll(),
    };
  }

  get isReady(): boolean {
    return this.#repository.isReady && this.#invalidations.begun;
  }

  /** @throws {ConfigError} also where Redis does not let invalidations be heard. */
  async ready(): Promise<void> {
    if (!this.#repository.isReady) this.#evictAll(); // its clock may have stood still: who knows how old they are
    await this.#repository.ready();
    await this.#invalidations.begin();
  }

  now(): Microseconds {
    return this.#repository.now();
  }

  peek(id: string, scope: Scope): TokenRecord | undefined {
    const entry = this.#entries.get(id);
    // Not ready: the connection that reads is gone, or the process has slept, and with it the clocks.
    if (!entry || !this.#repository.isReady) return undefined;
    const { record, asked } = entry;
    if (performance.now() - asked >= this.#ttl || this.now() >= record.expiresAt * MICROS_PER_MS) {
      this.#evict(id);
      return undefined;
    }
    return record.app === scope.app && record.type === scope.type ? entry.copy() : undefined;
  }

  /** Keeps only what was asked for while invalidations were heard, and of which none was heard since. */
  async get(command: Commands['get']): Promise<TokenRecord | undefined> {
    const { id } = command;
    const near = this.peek(id, command);
    if (near) return near;
    if (!this.#invalidations.hears) return this.#repository.get(command);
    const flight: Flight = {};
    const asked = performance.now();
    this.#flights.set(id, flight);
    try {
      const found = await this.#repository.get(command);
      if (!found || this.#flights.get(id) !== flight) return found;
      const entry = new Entry(found, asked);
      this.#entries.set(id, entry);
      return entry.copy();
    } finally {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    }
  }

  create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    return this.#evicting(command, this.#repository.create(command, attempt));
  }

  update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#evicting(command, this.#repository.update(command, attempt));
  }

  refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#evicting(command, this.#repository.refresh(command, attempt));
  }

  rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    return this.#evicting(command, this.#repository.rotate(command, attempt));
  }

  delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    return this.#evicting(command, this.#repository.delete(command, attempt));
  }

  async deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    try {
      return await this.#repository.deleteAll(command, attempt);
    } finally {
      const { app, type, owner } = command;
      this.#flights.clear(); // whose tokens they read is not known yet
      for (const [id, { record }] of [...this.#entries.entries()]) {
        if (record.owner === owner && record.app === app && record.type === type) this.#entries.delete(id);
      }
    }
  }

  list(command: Commands['list']): Promise<TokenRecord[]> {
    return this.#repository.list(command);
  }

  giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    return this.#repository.giveUp(job, commands);
  }

  takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    return this.#repository.takeUp(job, commands);
  }

  release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void> {
    return this.#repository.release(job, commands, keptFor);
  }

  sweep(signal?: AbortSignal): Promise<number> {
    return this.#repository.sweep(signal);
  }

  async close(): Promise<void> {
    await this.#invalidations.close();
    await this.#repository.close();
  }

  /** Before the change resolves, and also where it fails: it may have taken effect all the same. */
  async #evicting<T>({ id }: { id: string }, change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      this.#evict(id);
    }
  }

  #evict(id: string): void {
    this.#entries.delete(id);
    this.#flights.delete(id);
  }

  #evictAll(): void {
    this.#entries.clear();
    this.#flights.clear();
  }
}
