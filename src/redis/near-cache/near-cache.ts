/** A repository with a cache before it: what was read lately is answered from the process, until Redis tells of a change. */

import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';
import { AroundRepository } from '../../tokens/around-repository.js';
import { MICROS_PER_MS } from '../../tokens/clock.js';
import type { Commands } from '../../tokens/commands.js';
import type { TokenUse } from '../../tokens/idle.js';
import type { Attempt, Rotated, TokenRepository } from '../../tokens/repository.js';
import type { OwnersPage, Scope, TokenRecord } from '../../tokens/types.js';
import { Entry } from './entry.js';
import type { Invalidations } from './invalidations.js';
import type { ResolvedCacheOptions } from './options.js';

const ID_LENGTH = 22;

/** Stands for a read under way, whose answer may be kept for as long as nothing happened to its record. */
type Flight = object;

export class NearCache extends AroundRepository implements TokenRepository {
  readonly #invalidations: Invalidations;
  readonly #ttl: number;
  readonly #entries: LRUCache<string, Entry>;
  /** The latest read of each id: none may be kept that began before another. */
  readonly #flights = new Map<string, Flight>();

  constructor(repository: TokenRepository, invalidations: Invalidations, { max, ttl }: ResolvedCacheOptions) {
    super(repository);
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
    return this.repository.isReady && this.#invalidations.begun;
  }

  /** @throws {ConfigError} also where Redis does not let invalidations be heard. */
  async ready(): Promise<void> {
    if (!this.repository.isReady) this.#evictAll(); // its clock may have stood still: who knows how old they are
    await this.repository.ready();
    await this.#invalidations.begin();
  }

  peek(id: string, scope: Scope): TokenRecord | undefined {
    const entry = this.#entries.get(id);
    // Not ready: the connection that reads is gone, or the process has slept, and with it the clocks.
    if (!entry || !this.repository.isReady) return undefined;
    const { record, asked } = entry;
    const now = performance.now();
    if (!this.#invalidations.hears(now)) return undefined;
    if (now - asked >= this.#ttl || this.reckoned() >= record.expiresAt * MICROS_PER_MS) {
      this.#evict(id);
      return undefined;
    }
    return record.app === scope.app && record.type === scope.type ? entry.copy() : undefined;
  }

  get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    return this.#read(command, (asked) => this.repository.get(asked, commandId));
  }

  create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    return this.#evicting(command, this.repository.create(command, attempt));
  }

  touch(use: TokenUse): Promise<void> {
    return this.#evicting(use, this.repository.touch(use));
  }

  update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#evictingFound(command, this.repository.update(command, attempt));
  }

  refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#evictingFound(command, this.repository.refresh(command, attempt));
  }

  rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    return this.#evicting(command, this.repository.rotate(command, attempt));
  }

  delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    return this.#evicting(command, this.repository.delete(command, attempt));
  }

  deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const { app, type, owner } = command;
    return this.#evictingMany(
      (record) => record.owner === owner && record.app === app && record.type === type,
      this.repository.deleteAll(command, attempt),
    );
  }

  deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    const { app, type } = command;
    return this.#evictingMany(
      (record) => record.app === app && record.type === type,
      this.repository.deleteScope(command, attempt),
    );
  }

  deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    const { app } = command;
    return this.#evictingMany((record) => record.app === app, this.repository.deleteApp(command, attempt));
  }

  consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#evicting(command, this.repository.consume(command, attempt));
  }

  /** As get: what is kept is known with its owner. */
  async getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    const found = await this.#read({ ...command, owner: undefined }, (any) => this.repository.getById(any));
    return command.owner === undefined || found?.owner === command.owner ? found : undefined;
  }

  deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    return this.#evicting(command, this.repository.deleteById(command, attempt));
  }

  list(command: Commands['list']): Promise<TokenRecord[]> {
    return this.repository.list(command);
  }

  count(command: Commands['count']): Promise<number> {
    return this.repository.count(command);
  }

  owners(command: Commands['owners']): Promise<OwnersPage> {
    return this.repository.owners(command);
  }

  async close(): Promise<void> {
    await this.#invalidations.close();
    await this.repository.close();
  }

  /** Keeps only what was asked for while invalidations were heard, and of which none was heard since. */
  async #read<C extends Commands['get' | 'getById']>(
    command: C,
    ask: (command: C) => Promise<TokenRecord | undefined>,
  ): Promise<TokenRecord | undefined> {
    const { id } = command;
    const near = this.peek(id, command);
    if (near) return near;
    const asked = performance.now();
    if (!this.#invalidations.hears(asked)) return ask(command);
    const flight: Flight = {};
    this.#flights.set(id, flight);
    try {
      const found = await ask(command);
      // What lies under another id is told of by that.
      if (found?.id !== id || this.#flights.get(id) !== flight) return found;
      const entry = new Entry(found, asked);
      this.#entries.set(id, entry);
      return entry.copy();
    } finally {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    }
  }

  /** Before the change resolves, and also where it fails: it may have taken effect all the same. */
  async #evicting<T>(
    { id, formerIds = [] }: { id: string; formerIds?: readonly string[] | undefined },
    change: Promise<T>,
  ): Promise<T> {
    try {
      return await change;
    } finally {
      this.#evict(id);
      for (const former of formerIds) this.#evict(former); // it may lie there
    }
  }

  /** The same where it may lie under an id that the command does not know: under that of a newer pepper. */
  async #evictingFound(
    command: Commands['update' | 'refresh'],
    change: Promise<TokenRecord | undefined>,
  ): Promise<TokenRecord | undefined> {
    const found = await this.#evicting(command, change);
    if (found) this.#evict(found.id);
    return found;
  }

  /** The same for all that may be among what has ended. */
  async #evictingMany<T>(isMeant: (record: TokenRecord) => boolean, change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      this.#flights.clear(); // whose tokens they read is not known yet
      for (const [id, { record }] of [...this.#entries.entries()]) {
        if (isMeant(record)) this.#entries.delete(id);
      }
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
