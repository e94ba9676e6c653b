/** What ends tokens: each leaves its mark, so that what was issued before it comes to no life. */
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import type { RevocationReason } from '../tokens/events.js';
import type { RevocationDetails, Scope } from '../tokens/types.js';
import type { EventLog } from './log.js';
import { appMark, idMark, idOwnerMark, type Marks, ownerMark, scopeMark } from './marks.js';
import { isAlive, type MemoryRecords, type StoredToken } from './records.js';
import { type Run, revocationTime } from './timing.js';

export class Revocations {
  readonly #records: MemoryRecords;
  readonly #marks: Marks;
  readonly #log: EventLog;

  constructor(records: MemoryRecords, marks: Marks, log: EventLog) {
    this.#records = records;
    this.#marks = marks;
    this.#log = log;
  }

  /** @param live the token of the command's id, where there is one. */
  one(
    command: Commands['delete' | 'deleteById'],
    live: StoredToken | undefined,
    run: Run,
    owner?: string | undefined,
  ): boolean {
    const found = owner === undefined || live?.owner === owner ? live : undefined;
    // In process it ends what there is when it runs, whatever the clock of its creator said.
    const ended = run.job ? 0 : (found?.createdAt ?? 0);
    const stamp = Math.max(revocationTime(command.issuedAt, run), ended);
    const { id } = command;
    // For one owner's token alone it must not be in the way of another owner's.
    const mark = owner === undefined ? idMark(command, id) : idOwnerMark(command, id, owner);
    this.#marks.set(mark, stamp, run.now);
    if (!found || found.createdAt > stamp) return false;
    this.end(found, 'deleted', command, run);
    return true;
  }

  /** Ends a live token for whoever consumes it. */
  consume(command: Commands['consume'], live: StoredToken, run: Run): void {
    const stamp = Math.max(revocationTime(command.issuedAt, run), live.createdAt);
    this.#marks.set(idMark(command, command.id), stamp, run.now);
    this.end(live, 'consumed', command, run);
  }

  /** Ends a live token, as a delete would, so that there is room for another. */
  forRoom(token: StoredToken, run: Run): void {
    this.#marks.set(idMark(token, token.id), Math.max(run.now, token.createdAt), run.now);
    this.end(token, 'limit', {}, run);
  }

  /** All of an owner but one token. In memory nothing can meet the mark before it is done: that one needs no more. */
  ofOwner(command: Commands['deleteAll'], run: Run): number {
    const { owner, except } = command;
    const tokens = this.#records.ofOwner(command, owner);
    return this.#all(command, 'deleted-all', ownerMark(command, owner), tokens, run, except);
  }

  ofScope(command: Commands['deleteScope'], run: Run): number {
    const tokens = this.#records.ofScopes(command);
    return this.#all(command, 'deleted-scope', scopeMark(command), tokens, run);
  }

  ofApp(command: Commands['deleteApp'], run: Run): number {
    const tokens = this.#records.ofScopes({ app: command.app });
    return this.#all(command, 'deleted-app', appMark(command), tokens, run);
  }

  /** When it was last revoked by what it belongs to: a create that was issued no later comes too late. */
  newest(command: Scope & { id: string; owner: string }): { byId: Microseconds; newest: Microseconds } {
    const { id, owner } = command;
    const of = (mark: string) => this.#marks.of(mark);
    const byId = Math.max(of(idMark(command, id)), of(idOwnerMark(command, id, owner)));
    const byPlace = Math.max(of(ownerMark(command, owner)), of(scopeMark(command)), of(appMark(command)));
    return { byId, newest: Math.max(byId, byPlace, this.#marks.floor) };
  }

  #all(
    command: Commands['deleteAll' | 'deleteScope' | 'deleteApp'],
    reason: RevocationReason,
    mark: string,
    tokens: readonly StoredToken[],
    run: Run,
    except?: string | undefined,
  ): number {
    // In process it ends what there is when it runs: what a creator ahead of time made is younger than the last
    // mark, or than now.
    const before = run.job ? 0 : Math.max(this.#marks.of(mark), this.#marks.floor) + 1;
    const stamp = Math.max(revocationTime(command.issuedAt, run), before);
    this.#marks.set(mark, stamp, run.now);
    let ended = 0;
    for (const token of tokens) {
      if (!isAlive(token, run.nowMs)) {
        this.#records.remove(token);
        this.#log.publish('token-expired', token, run.nowMs);
      } else if (token.id === except) {
        // it stays
      } else if (token.createdAt <= stamp || (!run.job && token.createdAt > run.now)) {
        this.end(token, reason, command, run);
        ended++;
      }
    }
    return ended;
  }

  /** Ends a live token; of itself it leaves no mark. */
  end(token: StoredToken, otherwise: RevocationReason, { reason, by }: RevocationDetails, run: Run): void {
    this.#records.remove(token);
    const { commandId } = run;
    this.#log.publish('token-revoked', token, run.nowMs, { commandId, reason: reason ?? otherwise, by });
  }
}
