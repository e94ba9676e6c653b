/** Tokens in memory that were moved to the id under another pepper, by the same rules as in Redis. */
import type { Scope } from '../tokens/types.js';
import type { StoredToken } from './records.js';

/** Ids that are followed, that a token remembers, and how long one stays before it is moved back, in ms. */
const HOPS = 8;
const FORMERS = 4;
const SETTLED = 60_000;

/** In the place of a token that has moved. */
interface Signpost extends Scope {
  to: string;
  /** Milliseconds. */
  since: number;
  until: number;
}

/** A token as it is presented: by its id, and those that it has under other peppers. */
export type Presented = Scope & { id: string; formerIds?: readonly string[] | undefined };

export const idsOf = ({ id, formerIds = [] }: Presented): string[] => [id, ...formerIds];

export class Moves {
  readonly #signposts = new Map<string, Signpost>();
  readonly #slack: number;

  /** @param slack milliseconds that a signpost is there at the least. */
  constructor(slack: number) {
    this.#slack = slack;
  }

  /** Where an id leads: to itself, or to where its token has moved. */
  follow({ app, type }: Scope, id: string, nowMs: number): string {
    let place = id;
    for (let hop = 0; hop < HOPS; hop++) {
      const post = this.#find(place, nowMs);
      if (!post || post.app !== app || post.type !== type) break;
      place = post.to;
    }
    return place;
  }

  /** Whether an id stays what it is, since its token was moved away from it just now. */
  isUnsettled({ app, type }: Scope, id: string, nowMs: number): boolean {
    const post = this.#find(id, nowMs);
    return post !== undefined && post.app === app && post.type === type && nowMs - post.since < SETTLED;
  }

  /** Has the token lie under another id from now on. */
  move(token: StoredToken, to: string, nowMs: number): void {
    const former = [token.id, ...(token.former ?? []).filter((id) => id !== to)].slice(0, FORMERS);
    this.#signposts.delete(to);
    const until = Math.max(token.expiresAt, nowMs + this.#slack);
    const { app, type } = token;
    for (const id of former) this.#signposts.set(id, { app, type, to, since: nowMs, until });
    token.former = former;
    token.id = to;
  }

  /** A token is to live longer: so is what leads to it. */
  outlive({ former = [], expiresAt }: { former?: string[]; expiresAt: number }, nowMs: number): void {
    for (const id of former) {
      const post = this.#find(id, nowMs);
      if (post) post.until = Math.max(post.until, expiresAt);
    }
  }

  /** Until when they are there whose token was rotated. */
  end(former: readonly string[], until: number): void {
    for (const id of former) {
      const post = this.#signposts.get(id);
      if (post) post.until = until;
    }
  }

  /** Whether a signpost stands there, be it of another scope. */
  holds(id: string, nowMs: number): boolean {
    return this.#find(id, nowMs) !== undefined;
  }

  /** Whether one stands there that no command of this scope follows. */
  isOfAnother(presented: Presented, nowMs: number): boolean {
    return this.holds(presented.id, nowMs) && this.follow(presented, presented.id, nowMs) === presented.id;
  }

  /** Something else takes its place. */
  forget(id: string): void {
    this.#signposts.delete(id);
  }

  #find(id: string, nowMs: number): Signpost | undefined {
    const post = this.#signposts.get(id);
    return post && nowMs <= post.until ? post : undefined;
  }
}
