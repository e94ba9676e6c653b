/** What was revoked lately, so that a create issued before does not bring it to life. */
import { MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';
import type { Scope } from '../tokens/types.js';

const MAX_MARKS = 100_000;

/** How long a mark outlives the last command it can meet. */
const GRACE: Microseconds = 60 * MICROS_PER_SECOND;

/** An id counts only in the scope that it was made in. */
export const idMark = ({ app, type }: Scope, id: string): string => `id:${app}\0${type}\0${id}`;
/** Of a revocation by id that is for one owner's token alone. */
export const idOwnerMark = (scope: Scope, id: string, owner: string): string =>
  `${idMark(scope, id)}\0${owner}`;
export const scopeMark = ({ app, type }: Scope): string => `scope:${app}\0${type}`;
export const appMark = ({ app }: { app: string }): string => `app:${app}`;
export const ownerMark = ({ app, type }: Scope, owner: string): string => `owner:${app}\0${type}\0${owner}`;

interface Mark {
  name: string;
  stamp: Microseconds;
}

export class Marks {
  readonly #life: Microseconds;
  readonly #stamps = new Map<string, Microseconds>();
  /** Oldest first. */
  readonly #byAge: Mark[] = [];
  #floor: Microseconds = 0;

  constructor(maxCommandAge: Microseconds) {
    this.#life = maxCommandAge + GRACE;
  }

  /** When it was last revoked; 0 where there is no mark. */
  of(name: string): Microseconds {
    return this.#stamps.get(name) ?? 0;
  }

  /** Creates issued no later than this are refused: marks that would have met them were pushed out. */
  get floor(): Microseconds {
    return this.#floor;
  }

  /** Never lowers a mark. Ends those that have had their time, and the oldest beyond the cap. */
  set(name: string, stamp: Microseconds, now: Microseconds): void {
    const before = this.of(name);
    if (stamp > before) {
      if (before > 0) this.#byAge.splice(this.#indexOf({ name, stamp: before }), 1);
      this.#byAge.splice(this.#rankBehind(stamp), 0, { name, stamp });
      this.#stamps.set(name, stamp);
    }
    while ((this.#byAge[0]?.stamp ?? now) < now - this.#life) this.#dropOldest();
    while (this.#byAge.length > MAX_MARKS) this.#floor = Math.max(this.#floor, this.#dropOldest());
  }

  #dropOldest(): Microseconds {
    const { name, stamp } = this.#byAge.shift() as Mark;
    this.#stamps.delete(name);
    return stamp;
  }

  #indexOf({ name, stamp }: Mark): number {
    let index = this.#rankBehind(stamp) - 1;
    while (this.#byAge[index]?.name !== name) index--;
    return index;
  }

  /** The first place behind every mark of this stamp, by halving. */
  #rankBehind(stamp: Microseconds): number {
    let [from, to] = [0, this.#byAge.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#byAge[middle] as Mark).stamp <= stamp) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
