/** What is left in memory of tokens that were rotated, and the families that they and their successors make. */
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import type { Scope } from '../tokens/types.js';
import type { Moves } from './moves.js';
import type { StoredToken } from './records.js';
import type { Run } from './timing.js';

/** Rotated tokens of a family whose use is told. */
const KEPT = 1_000;

/** Milliseconds that markers outlive a family by at the least. */
const SLACK = 60_000;

/** In the place of a token that was rotated. */
export interface Marker {
  /** As it was last. */
  token: StoredToken;
  successor: string;
  nonce: string;
  graceEnds: Microseconds;
  /** Milliseconds: when the marker goes. */
  until: number;
  family: Family;
}

export interface Family {
  name: string;
  living: string;
  markers: Marker[];
  told: boolean;
  until: number;
}

/** What was decided for a rotation. */
export interface Successor {
  successor: string;
  /** Until when it is known what its secret is derived with. */
  nonceUntil: Microseconds;
}

/** The token that takes another's place. It keeps when the family began, by which revocations go. */
export function successorOf(
  token: StoredToken,
  { successor, hint }: Commands['rotate'],
  nowMs: number,
): StoredToken {
  const { former: _, ...same } = token; // of another secret than the successor's
  const attributes = token.attributes && { ...token.attributes };
  if (attributes?.hint !== undefined && hint !== undefined) attributes.hint = hint;
  return {
    ...same,
    ...{ id: successor, version: token.version + 1, attributes },
    ...{ family: token.family ?? token.id, rotatedAt: nowMs },
  };
}

export class Rotations {
  readonly #markers = new Map<string, Marker>();
  readonly #families = new Map<string, Family>();
  readonly #maxCommandAge: number;
  readonly #moves: Moves;

  /** @param maxCommandAge ms */
  constructor(maxCommandAge: number, moves: Moves) {
    this.#maxCommandAge = maxCommandAge;
    this.#moves = moves;
  }

  /** The marker in a token's place. */
  find({ id, app, type }: Scope & { id: string }, nowMs: number): Marker | undefined {
    const marker = this.#markers.get(id);
    if (!marker || marker.until < nowMs) return undefined;
    return marker.token.app === app && marker.token.type === type ? marker : undefined;
  }

  /** Whether any scope's token with this id was rotated. */
  holds(id: string, nowMs: number): boolean {
    return (this.#markers.get(id)?.until ?? 0) >= nowMs;
  }

  /** A token has given its place to a successor. */
  add(token: StoredToken, successor: StoredToken, command: Commands['rotate'], run: Run): void {
    const name = token.family ?? token.id;
    const family = this.#families.get(name) ?? { name, living: '', markers: [], told: false, until: 0 };
    const graceEnds = run.now + Math.round(command.grace * 1_000) * MICROS_PER_MS;
    const marker = {
      ...{ token, successor: successor.id, nonce: command.nonce },
      ...{ graceEnds, until: family.until, family },
    };
    family.living = successor.id;
    family.markers.push(marker);
    // What keeps a create from bringing those beyond to life stays for as long as one can arrive.
    const goes = run.nowMs + this.#maxCommandAge + SLACK;
    for (const beyond of family.markers.splice(0, family.markers.length - KEPT))
      beyond.until = Math.min(beyond.until, goes);
    this.#families.set(name, family);
    this.#markers.set(token.id, marker);
    this.outlive(successor, run.nowMs);
  }

  /** Markers are there for as long as a member of the family lives: to be called whenever it is to live longer. */
  outlive({ family: name, expiresAt }: StoredToken, nowMs: number): void {
    const family = name === undefined ? undefined : this.#families.get(name);
    if (!family || family.until >= expiresAt) return;
    family.until = expiresAt + Math.max(SLACK, Math.floor((expiresAt - nowMs) / 2));
    for (const marker of family.markers) {
      marker.until = family.until;
      this.#moves.end(marker.token.former ?? [], family.until);
    }
  }

  /** The living member of a family lies under another id. */
  moved({ family: name, id }: StoredToken, from: string): void {
    const family = name === undefined ? undefined : this.#families.get(name);
    if (family?.living === from) family.living = id;
  }
}

/** Whether a command uses a rotated token again, and was issued after its grace. */
export const isReuse = (marker: Marker, issuedAt: Microseconds, { now }: Run): boolean =>
  Math.min(issuedAt, now) > marker.graceEnds;
