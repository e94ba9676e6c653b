/** Where presented tokens lie in memory, and moving them to the id under the newest pepper: by the same rules as in Redis. */
import type { EventLog } from './log.js';
import { idsOf, type Moves, type Presented } from './moves.js';
import { isAlive, type MemoryRecords, type StoredToken } from './records.js';
import type { Revocations } from './revocations.js';
import type { Rotating } from './rotating.js';
import type { Run } from './timing.js';

/** What it needs of the repository. */
interface Parts {
  records: MemoryRecords;
  log: EventLog;
  moves: Moves;
  revocations: Revocations;
  rotations: Rotating;
  live(token: Presented, run: Run): StoredToken | undefined;
  expire(token: StoredToken, run: Run): void;
}

export class Places {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The command by the id under which there is something; by the newest where there is nothing. */
  find<C extends Presented>(command: C, run: Run): C {
    for (const id of idsOf(command)) {
      const place = this.#parts.moves.follow(command, id, run.nowMs);
      if (this.#isThere(place, run)) return { ...command, id: place };
    }
    return command;
  }

  /** The same, once a token that lies under another of its ids has been moved to the newest. */
  settle<C extends Presented>(command: C, run: Run): C {
    const here = this.find(command, run);
    const { id } = command;
    const { live, moves, revocations } = this.#parts;
    const token = here.id !== id && idsOf(command).includes(here.id) ? live(here, run) : undefined;
    if (!token || moves.isUnsettled(command, id, run.nowMs)) return here;
    // Who has revoked it by any id that it may have has meant this token.
    if (revocations.newest({ ...command, owner: token.owner }).byId >= token.createdAt)
      revocations.end(token, 'deleted', {}, run);
    else this.#move(token, id, run);
    return command;
  }

  /** What lives under the ids of a command, and the command by each place where nothing does. */
  all<C extends Presented>(command: C, run: Run): { lives: StoredToken[]; others: C[] } {
    const places = idsOf(command).map((id) => this.#parts.moves.follow(command, id, run.nowMs));
    const lives: StoredToken[] = [];
    const others: C[] = [];
    for (const id of new Set(places)) {
      const here = { ...command, id };
      const live = this.#parts.live(here, run);
      if (live) lives.push(live);
      else others.push(here);
    }
    return { lives, others };
  }

  #move(token: StoredToken, id: string, run: Run): void {
    const { records, moves, rotations, log } = this.#parts;
    const { id: former } = token;
    const before = records.get(id);
    if (before) this.#parts.expire(before, run);
    records.remove(token);
    moves.move(token, id, run.nowMs);
    records.add(token);
    rotations.moved(token, former);
    const about = { commandId: run.commandId, successor: id };
    log.publish('token-resealed', { ...token, id: former }, run.nowMs, about);
  }

  #isThere(id: string, { nowMs }: Run): boolean {
    const { records, moves, rotations } = this.#parts;
    const record = records.get(id);
    const isRecord = record !== undefined && isAlive(record, nowMs);
    return isRecord || rotations.holds(id, nowMs) || moves.holds(id, nowMs);
  }
}
