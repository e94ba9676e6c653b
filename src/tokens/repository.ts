/** What a store must do for tokens. It names nothing of any particular store. */
import type { Clock, Microseconds } from './clock.js';
import type { Command, Commands } from './commands.js';
import type { Miss } from './guessing.js';
import type { TokenUse } from './idle.js';
import type { OwnersPage, Scope, TokenRecord } from './types.js';

/** The job on whose behalf a command runs: what is decided for it is decided once. */
export interface JobReference {
  /** The queue's name. */
  queue: string;
  /** The job's, there. */
  id: string;
  /** `issuedAt` of the job's first command: tells it from an earlier job of the same id. */
  issuedAt: Microseconds;
}

/** A command of a job, by the id that it has there. */
export interface JobCommand {
  /** Its id there. */
  commandId: string;
  /** What it is to do. */
  command: Command;
}

/** How a change is run. */
export interface Attempt {
  /** The store changes nothing for this attempt when its time is past this. */
  until: Microseconds;
  /** Given for a command from a queue. */
  job?: JobReference;
  /** Its events tell it. */
  commandId?: string | undefined;
}

/** What came of a rotation. */
export interface Rotated {
  /** Of the successor. */
  record: TokenRecord;
  /** What its secret is derived with: that of the command, or of one that came before it. */
  nonce: string;
}

/**
 * Tokens in a store. Each change is one atomic step with its event, but for the end of very many.
 *
 * A token that is presented may lie under one of the command's `formerIds`: it is found there, and moved to `id` by whatever
 * uses it and leaves it alive.
 *
 * Left out on purpose: secrets (a repository sees ids only), validation (commands are checked before), and waiting
 * for results.
 */
export interface TokenRepository extends Clock {
  /** Whether a command may be stamped and run without waiting for `ready()`. */
  readonly isReady: boolean;
  /** Resolves when the store answers, fits the options, and has told its time. */
  ready(): Promise<void>;
  /** @throws {TokenExistsError} {TokenRevokedError} {LimitExceededError} {CommandExpiredError} */
  create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord>;
  /**
   * Where the token was rotated, and its grace was over when the command was issued, its family ends before this resolves.
   * @param commandId of a command from a queue, for the events of that.
   */
  get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined>;
  /**
   * What `get` would resolve to, where that is known without asking the store: an object of the caller's own.
   * `undefined` says nothing about the token.
   */
  peek?(id: string, scope: Scope): TokenRecord | undefined;
  /** Counts, in the background, that a client has presented a token that is none. It never throws. */
  missed?(miss: Miss): void;
  /** Has a listener hear of each token that ended because another, which had been rotated, was used again or deleted. */
  onEnd?(listener: (id: string) => void): void;
  /**
   * Writes down that a token was used: from then on it lives for its `idle` time, up to its ceiling. It never shortens a
   * life and never revives one, tells no event, and changes no version. One that was used within `every` is left alone.
   */
  touch(use: TokenUse): Promise<void>;
  /** @throws {ValidationError} where the merged data would be too large; {VersionConflictError} {CommandExpiredError} */
  update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined>;
  /** @throws {CommandExpiredError} */
  refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined>;
  /**
   * Puts the successor in the token's place; or answers the one that took it, where that lives and the grace is not over.
   * @throws {TokenExistsError} where something else has the successor's id. {CommandExpiredError}
   */
  rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined>;
  /** False where there was none. */
  delete(command: Commands['delete'], attempt: Attempt): Promise<boolean>;
  /** Answers how many it ended. */
  deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number>;
  /** The record as it was. A job that runs again is answered the same, although the record has gone. */
  consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined>;
  /** As `get`, by the id: with `owner`, only that owner's. */
  getById(command: Commands['getById']): Promise<TokenRecord | undefined>;
  /** As `delete`, by the id. */
  deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean>;
  /** Answers how many it ended. */
  deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number>;
  /** Answers how many it ended. */
  deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number>;
  /** Of one owner, latest expiry first. */
  list(command: Commands['list']): Promise<TokenRecord[]>;
  /** By the indexes: no token is read. */
  count(command: Commands['count']): Promise<number>;
  /** @throws {ValidationError} for a cursor that another deployment gave. */
  owners(command: Commands['owners']): Promise<OwnersPage>;

  /**
   * Decides that changes of a job are given up, but for those that something was decided for: no attempt applies them
   * any more, and each answers `GivenUpError`. Resolves to the ids of those that are given up, now or before.
   */
  giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>>;
  /** Takes back what was given up, and nothing else: another attempt applies it. */
  takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void>;
  /** What was decided for a job that is over is kept for only so many milliseconds more. */
  release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void>;
  /**
   * Ends every token that is overdue, and tells of each. Answers how many it met.
   * @param signal where it aborts, the rest is left to the next sweep.
   */
  sweep(signal?: AbortSignal): Promise<number>;
  /** Ends what it has opened. */
  close(): Promise<void>;
}
