/** Tokens in memory, by the same rules as in Redis: for users' tests, and as the contract suite's second subject. */
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import type { Command, Commands } from '../tokens/commands.js';
import { dataBytes, decodeEntries, encodeEntries } from '../tokens/data.js';
import {
  CommandExpiredError,
  StoreUnavailableError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
  VersionConflictError,
} from '../tokens/errors.js';
import type { TokenEvent } from '../tokens/events.js';
import {
  type GuessingOptions,
  type GuessingSuspected,
  type Miss,
  resolveGuessing,
} from '../tokens/guessing.js';
import { attributesAtBirth, type TokenUse, unusedLifeMs } from '../tokens/idle.js';
import {
  checkOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from '../tokens/repository.js';
import type { OwnerLimit, OwnersPage, Scope, TokenRecord } from '../tokens/types.js';
import { tooLarge } from '../tokens/validation.js';
import { MemoryClock } from './clock.js';
import { Guesses } from './guesses.js';
import { prolong, touched } from './idle.js';
import { JobRecords } from './jobs.js';
import { EventLog } from './log.js';
import { Marks } from './marks.js';
import { Moves } from './moves.js';
import { ownersPage } from './numbers.js';
import { Places } from './places.js';
import { isAlive, MemoryRecords, merge, type StoredToken, toMs, toRecord } from './records.js';
import { Revocations } from './revocations.js';
import { oldestBeyond } from './room.js';
import { Rotating } from './rotating.js';
import { checkAge, endOfLife, isMeantBy, type Run } from './timing.js';

/** Milliseconds that a mark outlives the last command it can meet, and a signpost as well. */
const MARK_GRACE = 60_000;

/** Overdue tokens of its scope that a create ends on its way. */
const CLEARED_BY_CREATE = 2;

/** Those of every door, and whether misses are counted. */
export interface MemoryTokensOptions extends TokenOptions {
  /** As of `RedisTokens`; who guesses is told in `suspicions`. Default: no misses are counted. */
  guessing?: GuessingOptions | undefined;
}

export const MEMORY_OPTION_RULES = { ...TOKEN_OPTION_RULES, guessing: () => undefined };

export class MemoryTokenRepository implements TokenRepository {
  readonly isReady = true;
  readonly #maxDataBytes: number;
  readonly #maxCommandAge: Microseconds;
  readonly #clock = new MemoryClock();
  readonly #records = new MemoryRecords();
  readonly #log = new EventLog();
  readonly #jobs = new JobRecords();
  readonly #revocations: Revocations;
  readonly #rotations: Rotating;
  readonly #guesses: Guesses | undefined;
  readonly #moves: Moves;
  readonly #places: Places;

  /** @throws {ConfigError} for an option that is unknown or wrong. */
  constructor(options: MemoryTokensOptions = {}) {
    checkOptions('MemoryTokenRepository', options, MEMORY_OPTION_RULES);
    const guessing = resolveGuessing(options.guessing);
    this.#guesses = guessing && new Guesses(guessing);
    const { maxDataBytes, maxCommandAge } = resolveTokenOptions(options);
    this.#maxDataBytes = maxDataBytes;
    this.#maxCommandAge = maxCommandAge * MICROS_PER_MS;
    this.#revocations = new Revocations(this.#records, new Marks(this.#maxCommandAge), this.#log);
    this.#moves = new Moves(maxCommandAge + MARK_GRACE);
    this.#rotations = new Rotating(this.#records, this.#log, maxCommandAge, this.#moves, {
      live: (token, run) => this.#live(token, run),
      revoke: (token, reason, run, details = {}) => this.#revocations.end(token, reason, details, run),
      expire: (token, run) => this.#expire(token, run),
      revokedAt: (token) => this.#revocations.newest(token).byId,
    });
    this.#places = new Places({
      ...{ records: this.#records, log: this.#log, moves: this.#moves },
      ...{ revocations: this.#revocations, rotations: this.#rotations },
      live: (token, run) => this.#live(token, run),
      expire: (token, run) => this.#expire(token, run),
    });
  }

  /** Every event so far, oldest first. */
  get events(): readonly TokenEvent[] {
    return this.#log.events;
  }

  /** Each client that was told of as guessing so far, oldest first. */
  get suspicions(): readonly GuessingSuspected[] {
    return this.#guesses?.suspicions ?? [];
  }

  missed(miss: Miss): void {
    this.#guesses?.add(miss, toMs(this.#clock.now()));
  }

  /** What the store and each index hold, overdue tokens too: for whoever checks that nothing leaks. */
  get indexed(): ReturnType<MemoryRecords['members']> {
    return this.#records.members();
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}

  now(): Microseconds {
    return this.#clock.now();
  }

  reckoned(): Microseconds {
    return this.#clock.reckoned();
  }

  /** Lets time pass. @param seconds from 0 up, fractions allowed. */
  advance(seconds: number): void {
    this.#clock.advance(seconds);
  }

  async create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    const { id, app, type, owner } = command;
    const run = await this.#begin(attempt);
    const outcome = this.#decide(command, run, () => this.#create(command, run));
    const live = this.#live(this.#places.find(command, run), run);
    if (live?.owner === owner && live.createdAt === outcome.createdAt) return toRecord(live);
    const { version, createdAt, expiresAt } = outcome; // decided before, and over by now
    const data = decodeEntries(encodeEntries(command.data).flat());
    return {
      ...{ id, app, type, owner, data, version, createdAt: toMs(createdAt), expiresAt },
      ...attributesAtBirth(command, expiresAt),
    };
  }

  async get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    const run = await this.#begin({ until: Number.POSITIVE_INFINITY, commandId });
    const here =
      command.touch === false ? this.#places.find(command, run) : this.#places.settle(command, run);
    const live = this.#live(here, run);
    if (!live) this.#rotations.meet(here, run);
    return live && toRecord(live);
  }

  async touch({ id, app, type, usedAt, every }: TokenUse): Promise<void> {
    const run = await this.#begin();
    const used = Math.min(usedAt, run.now);
    const token = this.#live(this.#places.find({ id, app, type }, run), run);
    if (!token || !isMeantBy({ issuedAt: usedAt }, token, run)) return;
    const expiresAt = touched(token, used, every);
    if (expiresAt === undefined) return;
    this.#records.move(token, expiresAt);
    this.#outlive(token, run);
  }

  async update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const run = await this.#begin(attempt);
    const outcome = this.#decide(command, run, () =>
      this.#change(command, run, (token) => {
        if (command.ifVersion !== undefined && command.ifVersion !== token.version)
          throw new VersionConflictError(token.version);
        const entries = merge(token.entries, command.data);
        const bytes = dataBytes(decodeEntries(entries.flat()));
        if (bytes > this.#maxDataBytes) {
          throw new ValidationError('update', [
            { field: 'data', problem: tooLarge(bytes, this.#maxDataBytes) },
          ]);
        }
        token.entries = entries;
        return 'token-updated';
      }),
    );
    return this.#asOfNow(command, outcome, run);
  }

  async refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const { issuedAt, duration } = command;
    const run = await this.#begin(attempt);
    const outcome = this.#decide(command, run, () =>
      this.#change(command, run, (token) => {
        prolong(token, issuedAt, duration, run);
        if (token.expiresAt <= run.nowMs) return 'token-expired';
        this.#records.move(token, token.expiresAt);
        this.#outlive(token, run);
        return 'token-refreshed';
      }),
    );
    return this.#asOfNow(command, outcome, run);
  }

  async rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    const run = await this.#begin(attempt);
    const outcome = this.#decide(command, run, () =>
      this.#rotations.rotate(this.#places.settle(command, run), run),
    );
    const { app, type } = command;
    const live = outcome && this.#live(this.#places.find({ app, type, id: outcome.successor }, run), run);
    // What another command's successor is derived with is forgotten when the grace is over.
    const isKnown = outcome && (outcome.nonce === command.nonce || run.now <= outcome.nonceUntil);
    return live && isKnown ? { record: toRecord(live), nonce: outcome.nonce } : undefined;
  }

  async delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    const run = await this.#begin(attempt);
    return this.#decide(command, run, () => {
      const { lives, others } = this.#places.all(command, run);
      const isEnded = this.#revocations.one(command, lives, run);
      return others.map((here) => this.#rotations.delete(here, run)).includes(true) || isEnded;
    });
  }

  async deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    const run = await this.#begin(attempt);
    return this.#decide(command, run, () => {
      const { lives, others } = this.#places.all(command, run);
      const isEnded = this.#revocations.one(command, lives, run, command.owner);
      return others.map((here) => this.#rotations.deleteById(here, run)).includes(true) || isEnded;
    });
  }

  async deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const run = await this.#begin(attempt);
    return this.#decide(command, run, () => {
      const { except: id, formerIds, app, type } = command;
      const except = id === undefined ? undefined : this.#places.settle({ app, type, id, formerIds }, run).id;
      return this.#revocations.ofOwner(command, except, run);
    });
  }

  async deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    const run = await this.#begin(attempt);
    return this.#decide(command, run, () => this.#revocations.ofScope(command, run));
  }

  async deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    const run = await this.#begin(attempt);
    return this.#decide(command, run, () => this.#revocations.ofApp(command, run));
  }

  async consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const run = await this.#begin(attempt);
    const outcome = this.#decide(command, run, () => {
      const { lives, others } = this.#places.all(command, run);
      for (const here of others) this.#rotations.meet(here, run);
      const [first, ...rest] = lives.filter((live) => isMeantBy(command, live, run));
      if (!first) return undefined;
      this.#revocations.consume(command, [first, ...rest], run);
      return first; // whose record nobody changes any more
    });
    return outcome && toRecord(outcome);
  }

  async getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    const run = await this.#begin();
    const live = this.#live(this.#places.find(command, run), run);
    const isAnothers = command.owner !== undefined && live?.owner !== command.owner;
    return live && !isAnothers ? toRecord(live) : undefined;
  }

  async list(command: Commands['list']): Promise<TokenRecord[]> {
    const run = await this.#begin();
    const found: TokenRecord[] = [];
    for (const token of this.#records.ofOwner(command, command.owner, command.after)) {
      if (found.length === command.limit) break;
      if (isAlive(token, run.nowMs)) found.push(toRecord(token));
      else this.#expire(token, run);
    }
    return found;
  }

  async count(command: Commands['count']): Promise<number> {
    const { nowMs } = await this.#begin();
    const { owner } = command;
    const tokens =
      owner === undefined ? this.#records.ofScopes(command) : this.#records.ofOwner(command, owner);
    return tokens.filter((token) => isAlive(token, nowMs)).length;
  }

  async owners(command: Commands['owners']): Promise<OwnersPage> {
    const { nowMs } = await this.#begin();
    return ownersPage(
      command,
      this.#records.ofScopes(command).filter((token) => isAlive(token, nowMs)),
    );
  }

  async giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    return this.#jobs.giveUp(job, commands, this.#clock.now());
  }

  async takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    this.#jobs.takeUp(job, commands, this.#clock.now());
  }

  async release(job: JobReference, _commands: readonly JobCommand[], keptFor: number): Promise<void> {
    this.#jobs.release(job, this.#clock.now() + keptFor * MICROS_PER_MS);
  }

  async sweep(): Promise<number> {
    const run = await this.#begin();
    const overdue = this.#records.members().records.filter((token) => !isAlive(token, run.nowMs));
    for (const token of overdue) this.#expire(token, run);
    return overdue.length;
  }

  #create(command: Commands['create'], run: Run): Pick<StoredToken, 'version' | 'createdAt' | 'expiresAt'> {
    const { id, app, type, owner, issuedAt, custom } = command;
    const life = unusedLifeMs(command);
    let expiresAt = endOfLife(issuedAt, life, run);
    // In process, a life as short as the way to the store begins here.
    if (expiresAt <= run.nowMs && !run.job) expiresAt = run.nowMs + life;
    if (expiresAt <= run.nowMs) throw new CommandExpiredError();

    const { byId, newest: revoked } = this.#revocations.newest(command);
    if (issuedAt <= revoked || (!custom && byId > 0)) throw new TokenRevokedError();

    // A sender's clock may be ahead: what was issued after a revocation was created after it.
    const createdAt = Math.max(Math.min(issuedAt, run.now), revoked + 1);
    const here = this.#places.find(command, run);
    this.#rotations.checkCreate(here, run);
    const there = this.#records.get(here.id);
    if (there && isAlive(there, run.nowMs)) {
      // A generated token that exists is this create, sent again; so is a custom one of the very same moment.
      const own = there.app === app && there.type === type && there.owner === owner;
      if (own && (!custom || there.createdAt === createdAt)) return { ...there };
      throw new TokenExistsError();
    }
    if (this.#moves.isOfAnother(here, run.nowMs)) throw new TokenExistsError();
    const before = this.#records.get(id);
    if (command.limit) this.#makeRoom(command, command.limit, run);
    if (before) this.#expire(before, run);
    const overdue = this.#records.overdue(command, run.nowMs);
    for (const token of overdue.slice(0, CLEARED_BY_CREATE)) this.#expire(token, run);

    const entries = encodeEntries(command.data);
    const attributes = attributesAtBirth(command, expiresAt);
    const token = {
      ...{ id, app, type, owner, version: 1, createdAt, expiresAt, refreshedAt: 0, attributes, entries },
    };
    this.#moves.forget(id); // it led to a life that is over
    this.#records.add(token);
    this.#log.publish('token-created', token, run.nowMs, run);
    return { version: 1, createdAt, expiresAt };
  }

  /** Ends the oldest tokens beyond a limit, each as a delete would. @throws {LimitExceededError} */
  #makeRoom(command: Commands['create'], limit: OwnerLimit, run: Run): void {
    const owned = this.#records.ofOwner(command, command.owner).filter((token) => isAlive(token, run.nowMs));
    for (const token of oldestBeyond(limit, owned)) this.#revocations.forRoom(token, run);
  }

  /** Changes a live token, unless it is of a later life than the command, or revoked. Answers which life it changed. */
  #change(
    command: Commands['update' | 'refresh'],
    run: Run,
    apply: (token: StoredToken) => 'token-updated' | 'token-refreshed' | 'token-expired',
  ): Microseconds | undefined {
    const here = this.#places.settle(command, run);
    const token = this.#live(here, run);
    if (!token) this.#rotations.meet(here, run);
    if (!token || !isMeantBy(command, token, run)) return undefined;
    const event = apply(token);
    if (event === 'token-expired') {
      this.#expire(token, run);
      return undefined;
    }
    token.version++;
    this.#log.publish(event, token, run.nowMs, run);
    return token.createdAt;
  }

  #decide<O>(command: Command, run: Run, decide: () => O): O {
    if (run.now > run.until) throw new StoreUnavailableError('the change came too late', 'none');
    return this.#jobs.once(run, () => {
      checkAge(command, run, this.#maxCommandAge);
      return decide();
    });
  }

  /** In a moment of its own: as on the way to Redis, what is asked for at once is asked for before any of it is done. */
  async #begin(attempt: Attempt = { until: Number.POSITIVE_INFINITY }): Promise<Run> {
    await undefined;
    const now = this.#clock.now();
    return { ...attempt, now, nowMs: toMs(now) };
  }

  #live({ id, app, type }: Scope & { id: string }, { nowMs }: Run): StoredToken | undefined {
    const token = this.#records.get(id);
    return token && token.app === app && token.type === type && isAlive(token, nowMs) ? token : undefined;
  }

  /** A token is to live longer: so is what tells of those before it, and what leads to it. */
  #outlive(token: StoredToken, { nowMs }: Run): void {
    this.#rotations.outlive(token, nowMs);
    this.#moves.outlive(token, nowMs);
  }

  /** The answer to a change: one that was decided before shows the record as of now, of the life that it met. */
  #asOfNow(
    command: Commands['update' | 'refresh'],
    life: Microseconds | undefined,
    run: Run,
  ): TokenRecord | undefined {
    const live = this.#live(this.#places.find(command, run), run);
    return live && live.createdAt === life ? toRecord(live) : undefined;
  }

  #expire(token: StoredToken, run: Run): void {
    this.#records.remove(token);
    // Whoever meets a token that has expired is not the cause of it.
    this.#log.publish('token-expired', token, run.nowMs);
  }
}
