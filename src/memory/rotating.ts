/** Rotations in memory, by the same rules as in Redis: the successor, its repetition, and what using a dead token ends. */
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import { TokenExistsError, TokenRevokedError } from '../tokens/errors.js';
import type { RevocationReason } from '../tokens/events.js';
import type { RevocationDetails, Scope } from '../tokens/types.js';
import { idleFrom, prolong } from './idle.js';
import type { EventLog } from './log.js';
import type { Moves } from './moves.js';
import { isAlive, type MemoryRecords, type StoredToken, toMs } from './records.js';
import { type Family, isReuse, type Marker, Rotations, type Successor, successorOf } from './rotations.js';
import { isMeantBy, type Run, revocationTime } from './timing.js';

/** What it needs of the repository. */
interface Store {
  live(token: Scope & { id: string }, run: Run): StoredToken | undefined;
  revoke(token: StoredToken, reason: RevocationReason, run: Run, details?: RevocationDetails): void;
  expire(token: StoredToken, run: Run): void;
  /** When a token was last revoked by its id; 0 for never. */
  revokedAt(token: StoredToken): Microseconds;
}

export class Rotating {
  readonly #markers: Rotations;
  readonly #records: MemoryRecords;
  readonly #log: EventLog;
  readonly #store: Store;
  readonly #moves: Moves;

  /** @param maxCommandAge ms */
  constructor(records: MemoryRecords, log: EventLog, maxCommandAge: number, moves: Moves, store: Store) {
    this.#markers = new Rotations(maxCommandAge, moves);
    this.#moves = moves;
    this.#records = records;
    this.#log = log;
    this.#store = store;
  }

  /** A token is to live longer: so is what tells of those before it. */
  outlive(token: StoredToken, nowMs: number): void {
    this.#markers.outlive(token, nowMs);
  }

  /** The same for one that lies under another id. */
  moved(token: StoredToken, from: string): void {
    this.#markers.moved(token, from);
  }

  /** Whether any scope's token with this id was rotated. */
  holds(id: string, nowMs: number): boolean {
    return this.#markers.holds(id, nowMs);
  }

  /** No create brings to life what was rotated. @throws {TokenRevokedError} {TokenExistsError} */
  checkCreate(command: Commands['create'], { nowMs }: Run): void {
    if (!this.#markers.holds(command.id, nowMs)) return;
    throw this.#markers.find(command, nowMs) ? new TokenRevokedError() : new TokenExistsError();
  }

  rotate(command: Commands['rotate'], run: Run): (Successor & { nonce: string }) | undefined {
    const { issuedAt, duration } = command;
    const token = this.#store.live(command, run);
    const rotated = token ? undefined : this.meet(command, run);
    if (rotated) {
      const { nonce, successor, graceEnds } = rotated;
      const place = this.#moves.follow(command, successor, run.nowMs);
      const isRepeated = run.now <= graceEnds && this.#store.live({ ...command, id: place }, run);
      return isRepeated ? { nonce, successor, nonceUntil: graceEnds } : undefined;
    }
    if (!token || !isMeantBy(command, token, run)) return undefined;
    // Who has revoked the successor before it was there has meant this token.
    if (this.#store.revokedAt({ ...token, id: command.successor }) >= token.createdAt) {
      this.#store.revoke(token, 'deleted', run);
      return undefined;
    }
    const successor = successorOf(token, command, run.nowMs);
    if (duration !== undefined) prolong(successor, issuedAt, duration, run);
    else successor.expiresAt = idleFrom(toMs(Math.min(issuedAt, run.now)), successor);
    delete successor.attributes?.lastUsedAt; // nobody has used it yet
    if (successor.expiresAt <= run.nowMs) {
      this.#store.expire(token, run);
      return undefined;
    }
    const before = this.#records.get(command.successor);
    const isAliveThere = before !== undefined && isAlive(before, run.nowMs);
    const isTaken = isAliveThere || this.#moves.holds(command.successor, run.nowMs);
    if (isTaken || this.#markers.holds(command.successor, run.nowMs)) throw new TokenExistsError();
    if (before) this.#store.expire(before, run);
    this.#records.remove(token);
    this.#records.add(successor);
    this.#markers.add(token, successor, command, run);
    const about = { commandId: run.commandId, successor: successor.id };
    this.#log.publish('token-rotated', { ...successor, id: token.id }, run.nowMs, about);
    return { nonce: command.nonce, successor: successor.id, nonceUntil: Number.POSITIVE_INFINITY };
  }

  /** The marker of a token that may be used still, or was when the command was issued. Else its family ends. */
  meet(
    command: Commands['get' | 'update' | 'refresh' | 'rotate' | 'consume' | 'delete'],
    run: Run,
  ): Marker | undefined {
    const marker = this.#markers.find(command, run.nowMs);
    if (!marker || !isReuse(marker, command.issuedAt, run)) return marker;
    this.#reuse(marker, run);
    return undefined;
  }

  /** A rotated token is used again: its family ends, and that is told once. */
  #reuse({ family, token }: Marker, run: Run): void {
    const living = this.#living(family, token, run);
    if (living) this.#store.revoke(living, 'reused', run);
    if (!family.told) this.#log.publish('token-reused', token, run.nowMs, { commandId: run.commandId });
    family.told = true;
  }

  /** Whoever ends a token that was rotated meanwhile means what has become of it. */
  delete(command: Commands['delete'], run: Run): boolean {
    const marker = this.meet(command, run);
    return marker !== undefined && this.#end(marker, command, run);
  }

  /** The same, by somebody who has not presented it: that is no use of it. */
  deleteById(command: Commands['deleteById'], run: Run): boolean {
    const marker = this.#markers.find(command, run.nowMs);
    if (!marker || (command.owner !== undefined && marker.token.owner !== command.owner)) return false;
    return this.#end(marker, command, run);
  }

  #end({ family }: Marker, command: Commands['delete' | 'deleteById'], run: Run): boolean {
    const living = this.#living(family, command, run);
    const stamp = run.job ? revocationTime(command.issuedAt, run) : Number.POSITIVE_INFINITY;
    if (!living || living.createdAt > stamp) return false;
    this.#store.revoke(living, 'deleted', run, command);
    return true;
  }

  /** What lives of a family, and is no later life of its id that belongs to none or another. */
  #living({ name, living }: Family, { app, type }: Scope, run: Run): StoredToken | undefined {
    const token = this.#store.live({ id: living, app, type }, run);
    return token?.family === name ? token : undefined;
  }
}
