/** What ends tokens: each leaves its mark, so that what was issued before it comes to no life. */
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import type { RevocationReason } from '../tokens/events.js';
import type { RevocationDetails, Scope } from '../tokens/types.js';
import type { EventLog } from './log.js';
import { appMark, idMark, idOwnerMark, type Marks, ownerMark, scopeMark } from './marks.js';
import { idsOf, type Presented } from './moves.js';
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

  /** @param lives the tokens of the command's ids: mostly one, or none. */
  one(
    command: Commands['delete' | 'deleteById'],
    lives: readonly StoredToken[],
    run: Run,
    owner?: string | undefined,
  ): boolean {
    const found = lives.filter((live) => owner === undefined || live.owner === owner);
    // In process it ends what there is when it runs, whatever the clock of its creator said.
    const ended = run.job ? [] : found.map(({ createdAt }) => createdAt);
    const stamp = Math.max(revocationTime(command.issuedAt, run), ...ended);
    this.#mark(command, idsOf(command), found, stamp, run, owner);
    const meant = found.filter(({ createdAt }) => createdAt <= stamp);
    for (const token of meant) this.end(token, 'deleted', command, run);
    return meant.length > 0;
  }

  /** Ends live tokens, mostly one, for whoever consumes the first of them. */
  consume(command: Commands['consume'], lives: readonly [StoredToken, ...StoredToken[]], run: Run): void {
    const stamp = Math.max(revocationTime(command.issuedAt, run), lives[0].createdAt);
    this.#mark(command, idsOf(command), lives, stamp, run);
    for (const token of lives) this.end(token, 'consumed', command, run);
  }

  /** Ends a live token, as a delete would, so that there is room for another. */
  forRoom(token: StoredToken, run: Run): void {
    this.#mark(token, [], [token], Math.max(run.now, token.createdAt), run);
    this.end(token, 'limit', {}, run);
  }

  /** Of all ids that the tokens are known to have. For one owner's alone they must not be in the way of another owner's. */
  #mark(
    scope: Scope,
    ids: readonly string[],
    found: readonly StoredToken[],
    stamp: Microseconds,
    run: Run,
    owner?: string | undefined,
  ): void {
    const known = found.flatMap(({ id, former = [] }) => [id, ...former]);
    for (const id of new Set([...ids, ...known])) {
      const mark = owner === undefined ? idMark(scope, id) : idOwnerMark(scope, id, owner);
      this.#marks.set(mark, stamp, run.now);
    }
  }

  /** @param except where the token lies that stays. In memory nothing can meet the mark before it is done: that one needs no more. */
  ofOwner(command: Commands['deleteAll'], except: string | undefined, run: Run): number {
    const { owner } = command;
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
  newest(command: Presented & { owner: string }): { byId: Microseconds; newest: Microseconds } {
    const { owner } = command;
    const of = (mark: string) => this.#marks.of(mark);
    const marks = idsOf(command).flatMap((id) => [idMark(command, id), idOwnerMark(command, id, owner)]);
    const byId = Math.max(...marks.map(of));
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
