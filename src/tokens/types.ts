/** What callers pass in and get back: the shapes of the public API. */

import type { Revoker } from './events.js';

/** Data of which nothing is known: its type is the caller's to give. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would force a cast on every caller who gives no type
export type AnyData = Record<string, any>;

/** What is stored for one token, without its secret. Timestamps are epoch milliseconds. */
export interface TokenRecord<D extends object = AnyData> {
  /** Public handle of the token, 22 base64url characters: safe to show and to log. */
  id: string;
  /** The application, or whatever keeps tokens apart: 1–256 characters. */
  app: string;
  /** The kind of token, such as `session`: 1–256 characters. */
  type: string;
  /** Whom it belongs to. */
  owner: string;
  /** What the application keeps with it. */
  data: D;
  /** 1 when created, and one more for each update, refresh or rotation. */
  version: number;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Epoch milliseconds: when it dies as things stand. */
  expiresAt: number;
  /** The prefix and the last four characters of the secret, where its create asked for it: for lists. */
  hint?: string;
  /** What its create called it: for lists. */
  label?: string;
  /** Seconds without use after which it dies, where its create gave it such a time. */
  idle?: number;
  /** Epoch milliseconds of its last use that was written down; only with `idle`, and absent until the first. */
  lastUsedAt?: number;
  /** Epoch milliseconds: when it dies however much it is used; only with `idle`. `expiresAt` is never later. */
  absoluteExpiresAt?: number;
}

/** A record together with the secret that the client presents. */
export interface Token<D extends object = AnyData> extends TokenRecord<D> {
  /** The secret: to be handed to the client, and kept nowhere. */
  token: string;
}

/** Changes to a token's data: `null` deletes a key, `undefined` is ignored, anything else replaces the value. */
export type Changes<D extends object> = { [K in keyof D]?: D[K] | null | undefined };

/** How many live tokens an owner may have in a scope. */
export interface OwnerLimit {
  /** 1–1,000, the new one included. */
  max: number;
  /**
   * What becomes of a create beyond it: it is refused, or ends as many of the owner's oldest tokens as are too many
   * (it is refused to an owner who has more than 2,000). Default `reject`.
   */
  overflow?: 'reject' | 'end-oldest' | undefined;
}

/** An `(app, type)` pair. Each is 1–256 characters of well-formed Unicode without NUL. */
export interface Scope {
  /** The application, or whatever keeps tokens apart: 1–256 characters. */
  app: string;
  /** The kind of token, such as `session`: 1–256 characters. */
  type: string;
}

/** Of `create`. */
export interface CreateInput<D extends object = AnyData> extends Scope {
  /** Whom the token belongs to, 1–256 characters. */
  owner: string;
  /** A plain object; `{}` when left out. */
  data?: D | undefined;
  /** Seconds to live, more than 0, at most ten years. Fractions are allowed. With `idle` it is the ceiling. */
  duration: number;
  /**
   * Seconds without use after which the token dies, as `duration` in what it may be; the sooner of both counts. A use is
   * a `get`; of its uses within a tenth of that time (option `touchEvery`) one is written down. Default: use does not count.
   * Source: OWASP ASVS 5.0, 7.3.1 and 7.3.2: an inactivity timeout and an absolute maximum lifetime.
   */
  idle?: number | undefined;
  /**
   * How many live tokens the owner may have in this scope. With `shards` above 1 it goes with generated tokens only, and
   * custom ones that lie in other shards are not counted. Default: any number.
   */
  limit?: OwnerLimit | undefined;
  /** A secret of the caller's own, 1–1,024 characters, in place of a generated one. */
  customToken?: string | undefined;
  /**
   * Whether the record is to show the secret's prefix and last four characters, by which its user knows it again.
   * A custom token must then have at least 16 characters. Default false.
   */
  hint?: boolean | undefined;
  /** What it is called in lists, such as a device's or a key's name: 1–256 characters. */
  label?: string | undefined;
}

/** One token, as a client presented it. */
export interface TokenInput extends Scope {
  /** What the client presented: any string. One that can not be alive reads as missing. */
  token: string;
  /**
   * Who presented it, such as an IP address: 1–256 characters. By it misses are counted where the option `guessing` is
   * given, and otherwise it is ignored. It is kept as a digest, for as long as the window.
   */
  client?: string | undefined;
}

/** Of `get`. */
export interface GetInput extends TokenInput {
  /** Whether it counts as a use of a token that has an `idle` time. Default true. */
  touch?: boolean | undefined;
}

/** Of `update`. */
export interface UpdateInput<D extends object = AnyData> extends TokenInput {
  /** Key by key; other keys keep their exact bytes. */
  data: Changes<D>;
  /** The `version` that the token must have: where it has another, nothing is changed. Default: any. */
  ifVersion?: number | undefined;
}

/** Of `refresh`. */
export interface RefreshInput extends TokenInput {
  /** Seconds to live from now, more than 0, at most ten years. With `idle` it is the ceiling. */
  duration: number;
}

/** Of `rotate`. */
export interface RotateInput extends TokenInput {
  /**
   * Seconds that the successor lives from now, more than 0, at most ten years. Default: its expiry is the token's, or with
   * `idle` its ceiling.
   */
  duration?: number | undefined;
  /**
   * Seconds from 0 to 300, fractions allowed, within which rotating the token again gives the same successor again. Some
   * seconds are enough for requests side by side and for a reply that was lost. Default 0.
   */
  grace?: number | undefined;
}

/** The tokens of one owner. */
export interface OwnerInput extends Scope {
  /** Whose: 1–256 characters. */
  owner: string;
}

/** What the events of a revocation are to tell. */
export interface RevocationDetails {
  /** 1–64 characters of well-formed text without NUL. Default: which operation it was, such as `deleted`. */
  reason?: string | undefined;
  /** By whom: `user`, `admin`, `policy` or `system`. Default: not told. */
  by?: Revoker | undefined;
}

/** Of `delete`. */
export interface DeleteInput extends TokenInput, RevocationDetails {}

/** Of `consume`. */
export interface ConsumeInput extends TokenInput, RevocationDetails {}

/** Of `deleteAll`. */
export interface DeleteAllInput extends OwnerInput, RevocationDetails {
  /** A token that stays, as it was presented. One that can not be alive, or is another owner's, excepts nothing. */
  except?: string | undefined;
}

/** For lists and account pages, where nobody has the secret. */
export interface IdInput extends Scope {
  /** Of the token: 22 base64url characters. */
  id: string;
  /** Where it is given, another owner's token reads as missing. */
  owner?: string | undefined;
}

/** Of `deleteById`. */
export interface DeleteByIdInput extends IdInput, RevocationDetails {}

/** Of `deleteScope`. */
export interface DeleteScopeInput extends Scope, RevocationDetails {}

/** Of `deleteApp`. */
export interface DeleteAppInput extends RevocationDetails {
  /** 1–256 characters. */
  app: string;
}

/** A place in a list: any record of it, which may be gone by now. */
export type ListPosition = Pick<TokenRecord, 'id' | 'expiresAt'>;

/** Of `list`. */
export interface ListInput extends OwnerInput {
  /** How many records at most, 1–10,000. Default 1,000. */
  limit?: number | undefined;
  /** The last record seen: the list goes on after it. */
  after?: ListPosition | undefined;
}

/** Of `count`. */
export interface CountInput extends Scope {
  /** Whose tokens. Default: everybody's in the scope. */
  owner?: string | undefined;
}

/** Of `owners`. */
export interface OwnersInput extends Scope {
  /** Where the page before told to go on. Default: from the beginning. */
  cursor?: string | undefined;
  /** How many owners at most, 1–1,000. Default 100. */
  limit?: number | undefined;
}

/** An owner, and how many live tokens they have in the scope. */
export interface OwnerCount {
  /** Who. */
  owner: string;
  /** At least 1. */
  count: number;
}

/** Some of those who have live tokens. */
export interface OwnersPage {
  /** At most `limit` of them, and perhaps far fewer. */
  owners: OwnerCount[];
  /** What to ask the next page with; `undefined` after the last one. */
  cursor: string | undefined;
}
