/** Tokens in memory, by the same rules as in Redis: for users' tests, and as the contract suite's second subject. */
import { attributesOf } from '../tokens/attributes.js';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';
import type { Command, Commands } from '../tokens/commands.js';
import { dataBytes, decodeEntries, encodeEntries } from '../tokens/data.js';
import {
  CommandExpiredError,
  StoreUnavailableError,
  TokenError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
} from '../tokens/errors.js';
import type { RevocationReason, TokenEvent } from '../tokens/events.js';
import { durationMs } from '../tokens/fields.js';
import {
  checkOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from '../tokens/repository.js';
import type { Scope, TokenRecord } from '../tokens/types.js';
import { tooLarge } from '../tokens/validation.js';
import { MemoryClock } from './clock.js';
import { JobRecords } from './jobs.js';
import { EventLog } from './log.js';
import { idMark, Marks, ownerMark } from './marks.js';
import { isAlive, MemoryRecords, merge, type StoredToken, toMs, toRecord } from './records.js';
import { Rotating } from './rotating.js';
import { AHEAD, endOfLife, isMeantBy, type Run, revocationTime } from './timing.js';

/** Overdue tokens of its scope that a create ends on its way. */
const CLEARED_BY_CREATE = 2;

export class MemoryTokenRepository implements TokenRepository {
  readonly isReady = true;
  readonly #maxDataBytes: number;
  readonly #maxCommandAge: Microseconds;
  readonly #clock = new MemoryClock();
  readonly #records = new MemoryRecords();
  readonly #log = new EventLog();
  readonly #jobs = new JobRecords();
  readonly #rotations = new Rotating(this.#records, this.#log, {
    live: (token, run) => this.#live(token, run),
    revoke: (token, reason, run) => this.#revoke(token, reason, run),
    expire: (token, run) => this.#expire(token, run),
  });
  readonly #marks: Marks;

  /** @throws {ConfigError} for an option that is unknown or wrong. */
  constructor(options: TokenOptions = {}) {
    checkOptions('MemoryTokenRepository', options, TOKEN_OPTION_RULES);
    const { maxDataBytes, maxCommandAge } = resolveTokenOptions(options);
    this.#maxDataBytes = maxDataBytes;
    this.#maxCommandAge = maxCommandAge * MICROS_PER_MS;
    this.#marks = new Marks(this.#maxCommandAge);
  }

  /** Every event so far, oldest first. */
  get events(): readonly TokenEvent[] {
    return this.#log.events;
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

  /** Lets time pass. @param seconds from 0 up, fractions allowed. */
  advance(seconds: number): void {
    this.#clock.advance(seconds);
  }

  async create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    const { id, app, type, owner } = command;
    const { outcome, run } = this.#decide(command, attempt, (run) => this.#create(command, run));
    const live = this.#live(command, run);
    if (live?.owner === owner && live.createdAt === outcome.createdAt) return toRecord(live);
    const { version, createdAt, expiresAt } = outcome; // decided before, and over by now
    const data = decodeEntries(encodeEntries(command.data).flat());
    return {
      ...{ id, app, type, owner, data, version, createdAt: toMs(createdAt), expiresAt },
      ...attributesOf(command),
    };
  }

  async get(command: Commands['get']): Promise<TokenRecord | undefined> {
    const run = this.#run({ until: Number.POSITIVE_INFINITY });
    const live = this.#live(command, run);
    if (!live) this.#rotations.meet(command, run);
    return live && toRecord(live);
  }

  async update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const decided = this.#decide(command, attempt, (run) =>
      this.#change(command, run, (token) => {
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
    return this.#asOfNow(command, decided);
  }

  async refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const { issuedAt, duration } = command;
    const decided = this.#decide(command, attempt, (run) =>
      this.#change(command, run, (token) => {
        let expiresAt = run.job ? endOfLife(issuedAt, duration, run) : run.nowMs + durationMs(duration);
        // One that waited never shortens what a later one has set.
        if (run.job && issuedAt < token.refreshedAt) expiresAt = Math.max(expiresAt, token.expiresAt);
        if (expiresAt <= run.nowMs) return 'token-expired';
        this.#records.move(token, expiresAt);
        this.#rotations.outlive(token, run.nowMs);
        token.refreshedAt = Math.max(token.refreshedAt, issuedAt);
        return 'token-refreshed';
      }),
    );
    return this.#asOfNow(command, decided);
  }

  async rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    const { outcome, run } = this.#decide(command, attempt, (run) => this.#rotations.rotate(command, run));
    const live = outcome && this.#live({ ...command, id: outcome.successor }, run);
    // What another command's successor is derived with is forgotten when the grace is over.
    const isKnown = outcome && (outcome.nonce === command.nonce || run.now <= outcome.nonceUntil);
    return live && isKnown ? { record: toRecord(live), nonce: outcome.nonce } : undefined;
  }

  async delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    const { outcome } = this.#decide(command, attempt, (run) => {
      const live = this.#live(command, run);
      // In process it ends what there is when it runs, whatever the clock of its creator said.
      const ended = run.job ? 0 : (live?.createdAt ?? 0);
      const stamp = Math.max(revocationTime(command.issuedAt, run), ended);
      this.#marks.set(idMark(command, command.id), stamp, run.now);
      if (!live) return this.#rotations.delete(command, run.job ? stamp : Number.POSITIVE_INFINITY, run);
      if (live.createdAt > stamp) return false;
      this.#revoke(live, 'deleted', run);
      return true;
    });
    return outcome;
  }

  async deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const { outcome } = this.#decide(command, attempt, (run) => {
      const mark = ownerMark(command, command.owner);
      // In process it ends what there is when it runs: what a creator ahead of time made is younger than the last
      // mark, or than now.
      const before = run.job ? 0 : Math.max(this.#marks.of(mark), this.#marks.floor) + 1;
      const stamp = Math.max(revocationTime(command.issuedAt, run), before);
      this.#marks.set(mark, stamp, run.now);
      let ended = 0;
      for (const token of this.#records.ofOwner(command, command.owner)) {
        if (!isAlive(token, run.nowMs)) {
          this.#expire(token, run);
        } else if (token.createdAt <= stamp || (!run.job && token.createdAt > run.now)) {
          this.#revoke(token, 'deleted-all', run);
          ended++;
        }
      }
      return ended;
    });
    return outcome;
  }

  async list(command: Commands['list']): Promise<TokenRecord[]> {
    const run = this.#run({ until: Number.POSITIVE_INFINITY });
    const found: TokenRecord[] = [];
    for (const token of this.#records.ofOwner(command, command.owner, command.after)) {
      if (found.length === command.limit) break;
      if (isAlive(token, run.nowMs)) found.push(toRecord(token));
      else this.#expire(token, run);
    }
    return found;
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
    const run = this.#run({ until: Number.POSITIVE_INFINITY });
    const overdue = this.#records.members().records.filter((token) => !isAlive(token, run.nowMs));
    for (const token of overdue) this.#expire(token, run);
    return overdue.length;
  }

  #create(command: Commands['create'], run: Run): Pick<StoredToken, 'version' | 'createdAt' | 'expiresAt'> {
    const { id, app, type, owner, issuedAt, custom } = command;
    let expiresAt = endOfLife(issuedAt, command.duration, run);
    // In process, a life as short as the way to the store begins here.
    if (expiresAt <= run.nowMs && !run.job) expiresAt = run.nowMs + durationMs(command.duration);
    if (expiresAt <= run.nowMs) throw new CommandExpiredError();

    const marked = this.#marks.of(idMark(command, id));
    const revoked = Math.max(marked, this.#marks.of(ownerMark(command, owner)), this.#marks.floor);
    if (issuedAt <= revoked || (!custom && marked > 0)) throw new TokenRevokedError();

    // A sender's clock may be ahead: what was issued after a revocation was created after it.
    const createdAt = Math.max(Math.min(issuedAt, run.now), revoked + 1);
    this.#rotations.checkCreate(command, run);
    const before = this.#records.get(id);
    if (before && isAlive(before, run.nowMs)) {
      // A generated token that exists is this create, sent again; so is a custom one of the very same moment.
      const own = before.app === app && before.type === type && before.owner === owner;
      if (own && (!custom || before.createdAt === createdAt)) return { ...before };
      throw new TokenExistsError();
    }
    if (before) this.#expire(before, run);
    const overdue = this.#records.overdue(command, run.nowMs);
    for (const token of overdue.slice(0, CLEARED_BY_CREATE)) this.#expire(token, run);

    const entries = encodeEntries(command.data);
    const attributes = attributesOf(command);
    const token = {
      ...{ id, app, type, owner, version: 1, createdAt, expiresAt, refreshedAt: 0, attributes, entries },
    };
    this.#records.add(token);
    this.#log.publish('token-created', token, run.nowMs, run);
    return { version: 1, createdAt, expiresAt };
  }

  /** Changes a live token, unless it is of a later life than the command, or revoked. Answers which life it changed. */
  #change(
    command: Commands['update' | 'refresh'],
    run: Run,
    apply: (token: StoredToken) => 'token-updated' | 'token-refreshed' | 'token-expired',
  ): Microseconds | undefined {
    const token = this.#live(command, run);
    if (!token) this.#rotations.meet(command, run);
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

  /** Runs a command once, and keeps what was decided for the job that carries it: refusals too. */
  #decide<O>(command: Command, attempt: Attempt, decide: (run: Run) => O): { outcome: O; run: Run } {
    const run = this.#run(attempt);
    if (run.now > attempt.until) throw new StoreUnavailableError('the change came too late', 'none');
    let decision = this.#jobs.find(attempt, run.now);
    if (!decision) {
      try {
        this.#checkAge(command, run);
        decision = { outcome: decide(run) };
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        decision = { refusal: error };
      }
      this.#jobs.keep(attempt, decision, run.now);
    }
    if ('refusal' in decision) throw decision.refusal;
    return { outcome: decision.outcome as O, run };
  }

  /** Revocations are never too old, and count from now on where they are ahead. */
  #checkAge({ op, issuedAt }: Command, { now }: Run): void {
    if (op === 'delete' || op === 'deleteAll') return;
    if (issuedAt > now + AHEAD) {
      const problem = `is more than ${AHEAD / MICROS_PER_SECOND} seconds ahead of the store's clock`;
      throw new ValidationError(op, [{ field: 'issuedAt', problem }]);
    }
    if (now - issuedAt > this.#maxCommandAge) throw new CommandExpiredError();
  }

  #run(attempt: Attempt): Run {
    const now = this.#clock.now();
    return { ...attempt, now, nowMs: toMs(now) };
  }

  #live({ id, app, type }: Scope & { id: string }, { nowMs }: Run): StoredToken | undefined {
    const token = this.#records.get(id);
    return token && token.app === app && token.type === type && isAlive(token, nowMs) ? token : undefined;
  }

  /** The answer to a change: one that was decided before shows the record as of now, of the life that it met. */
  #asOfNow(
    command: Commands['update' | 'refresh'],
    { outcome, run }: { outcome: Microseconds | undefined; run: Run },
  ): TokenRecord | undefined {
    const live = this.#live(command, run);
    return live && live.createdAt === outcome ? toRecord(live) : undefined;
  }

  #revoke(token: StoredToken, reason: RevocationReason, { nowMs, commandId }: Run): void {
    this.#records.remove(token);
    this.#log.publish('token-revoked', token, nowMs, { commandId, reason });
  }

  #expire(token: StoredToken, run: Run): void {
    this.#records.remove(token);
    // Whoever meets a token that has expired is not the cause of it.
    this.#log.publish('token-expired', token, run.nowMs);
  }
}
