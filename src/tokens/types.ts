/** What callers pass in and get back: the shapes of the public API. */

import type { Revoker } from './events.js';

/** Data of which nothing is known: its type is the caller's to give. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would force a cast on every caller who gives no type
export type AnyData = Record<string, any>;

/** What is stored for one token, without its secret. Timestamps are epoch milliseconds. */
export interface TokenRecord<D extends object = AnyData> {
  /** Public handle of the token, 22 base64url characters: safe to show and to log. */
  id: string;
  app: string;
  type: string;
  /** Whom it belongs to. */
  owner: string;
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
   * (1,000 at most: it is refused where there are more). Default `reject`.
   */
  overflow?: 'reject' | 'end-oldest' | undefined;
}

/** An `(app, type)` pair. Each is 1–256 characters of well-formed Unicode without NUL. */
export interface Scope {
  app: string;
  type: string;
}

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

export interface TokenInput extends Scope {
  /** What the client presented: any string. One that can not be alive reads as missing. */
  token: string;
}

export interface GetInput extends TokenInput {
  /** Whether it counts as a use of a token that has an `idle` time. Default true. */
  touch?: boolean | undefined;
}

export interface UpdateInput<D extends object = AnyData> extends TokenInput {
  data: Changes<D>;
  /** The `version` that the token must have: where it has another, nothing is changed. Default: any. */
  ifVersion?: number | undefined;
}

export interface RefreshInput extends TokenInput {
  /** Seconds to live from now, more than 0, at most ten years. With `idle` it is the ceiling. */
  duration: number;
}

export interface RotateInput extends TokenInput {
  /** Seconds that the successor lives from now, more than 0, at most ten years. Default: its expiry is the token's. */
  duration?: number | undefined;
  /**
   * Seconds from 0 to 300, fractions allowed, within which rotating the token again gives the same successor again. Some
   * seconds are enough for requests side by side and for a reply that was lost. Default 0.
   */
  grace?: number | undefined;
}

export interface OwnerInput extends Scope {
  owner: string;
}

/** What the events of a revocation are to tell. */
export interface RevocationDetails {
  /** 1–64 characters of well-formed text without NUL. Default: which operation it was, such as `deleted`. */
  reason?: string | undefined;
  /** By whom: `user`, `admin`, `policy` or `system`. Default: not told. */
  by?: Revoker | undefined;
}

export interface DeleteInput extends TokenInput, RevocationDetails {}

export interface ConsumeInput extends TokenInput, RevocationDetails {}

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

export interface DeleteByIdInput extends IdInput, RevocationDetails {}

export interface DeleteScopeInput extends Scope, RevocationDetails {}

export interface DeleteAppInput extends RevocationDetails {
  /** 1–256 characters. */
  app: string;
}

/** A place in a list: any record of it, which may be gone by now. */
export type ListPosition = Pick<TokenRecord, 'id' | 'expiresAt'>;

export interface ListInput extends OwnerInput {
  /** How many records at most, 1–10,000. Default 1,000. */
  limit?: number | undefined;
  /** The last record seen: the list goes on after it. */
  after?: ListPosition | undefined;
}

export interface CountInput extends Scope {
  /** Whose tokens. Default: everybody's in the scope. */
  owner?: string | undefined;
}

export interface OwnersInput extends Scope {
  /** Where the page before told to go on. Default: from the beginning. */
  cursor?: string | undefined;
  /** How many owners at most, 1–1,000. Default 100. */
  limit?: number | undefined;
}

/** An owner, and how many live tokens they have in the scope. */
export interface OwnerCount {
  owner: string;
  count: number;
}

export interface OwnersPage {
  owners: OwnerCount[];
  /** What to ask the next page with; `undefined` after the last one. */
  cursor: string | undefined;
}

/** Input and result of each operation; `Result` is what travels over the queue. */
export interface Operations<D extends object = AnyData> {
  create: { input: CreateInput<D>; result: TokenRecord<D> };
  get: { input: GetInput; result: TokenRecord<D> | undefined };
  update: { input: UpdateInput<NoInfer<D>>; result: TokenRecord<D> | undefined };
  refresh: { input: RefreshInput; result: TokenRecord<D> | undefined };
  rotate: { input: RotateInput; result: TokenRecord<D> | undefined };
  delete: { input: DeleteInput; result: boolean };
  deleteAll: { input: DeleteAllInput; result: number };
  consume: { input: ConsumeInput; result: TokenRecord<D> | undefined };
  getById: { input: IdInput; result: TokenRecord<D> | undefined };
  deleteById: { input: DeleteByIdInput; result: boolean };
  deleteScope: { input: DeleteScopeInput; result: number };
  deleteApp: { input: DeleteAppInput; result: number };
  list: { input: ListInput; result: TokenRecord<D>[] };
  count: { input: CountInput; result: number };
  owners: { input: OwnersInput; result: OwnersPage };
}

export type Operation = keyof Operations;

/** The operations that a scoped handle has. */
export type ScopedOperation = Exclude<Operation, 'deleteApp'>;

/** The operations on tokens, the same through every door. */
export interface TokenOperations {
  /**
   * Makes a token.
   * @throws {ValidationError} before any I/O, naming every wrong field.
   * @throws {TokenExistsError} where `customToken` is alive in the scope.
   * @throws {LimitExceededError} where its owner has as many as `limit` allows.
   * @throws {TokenRevokedError} where the owner was logged out everywhere after this call began.
   */
  create<D extends object = AnyData>(input: CreateInput<D>): Promise<Token<D>>;
  /**
   * Reads a token: `undefined` where it is missing, expired or revoked. It counts as a use of one that has an `idle` time,
   * unless `touch` is false.
   */
  get<D extends object = AnyData>(input: GetInput): Promise<Token<D> | undefined>;
  /**
   * Merges changes into a token's data, atomically; never changes its expiry, never revives it.
   * @throws {VersionConflictError} where `ifVersion` is not its version.
   */
  update<D extends object = AnyData>(input: UpdateInput<NoInfer<D>>): Promise<Token<D> | undefined>;
  /** Sets a token's remaining life to `duration` seconds from now; never revives it. */
  refresh<D extends object = AnyData>(input: RefreshInput): Promise<Token<D> | undefined>;
  /**
   * Puts a successor with a new secret in a generated token's place: at a log-in, after a second factor, or when rights
   * change (OWASP ASVS 5.0, 7.2.4), or each time that it is used, as refresh tokens are (RFC 9700, section 4.14.2). The
   * successor has the same data, owner, expiry and all else but its id and `createdAt`; the token is dead at once. Within
   * `grace` of the rotation, rotating the token again resolves to the same successor, for as long as that lives.
   *
   * A token that is used again, by whatever operation, after it was rotated and `grace` is over has been copied by
   * somebody: what lives of its family is revoked (reason `reused`), and `token-reused` is told once. What was issued
   * before the rotation, or within `grace`, is no such use.
   * @throws {ValidationError} before any I/O. A custom token is never rotated: that reads as missing.
   */
  rotate<D extends object = AnyData>(input: RotateInput): Promise<Token<D> | undefined>;
  /** Revokes a token; `false` where there was none. Within the grace of its rotation, its successor. */
  delete(input: DeleteInput): Promise<boolean>;
  /**
   * Revokes every token of an owner in the scope that was created before this call, but for the one in `except`;
   * resolves to their number.
   */
  deleteAll(input: DeleteAllInput): Promise<number>;
  /**
   * Revokes a token and resolves to it as it was: exactly one caller gets it, all others `undefined`. For what may be
   * used once, such as a password-reset link.
   * @throws {ValidationError} {StoreUnavailableError} outcome `unknown`: it may be used up.
   */
  consume<D extends object = AnyData>(input: ConsumeInput): Promise<Token<D> | undefined>;
  /**
   * Reads a token by its id, for lists and account pages: with `owner`, only that owner's.
   * @throws {ValidationError} where `id` is no id.
   */
  getById<D extends object = AnyData>(input: IdInput): Promise<TokenRecord<D> | undefined>;
  /**
   * Revokes a token by its id; `false` where there was none, or with `owner` none of that owner's. Of one that was rotated it
   * revokes the token that has taken its place.
   * @throws {ValidationError} where `id` is no id.
   */
  deleteById(input: DeleteByIdInput): Promise<boolean>;
  /** Revokes every token of the scope that was created before this call; resolves to their number. */
  deleteScope(input: DeleteScopeInput): Promise<number>;
  /** Revokes every token of the app, of whatever type, that was created before this call; resolves to their number. */
  deleteApp(input: DeleteAppInput): Promise<number>;
  /** The live tokens of an owner, latest expiry first. */
  list<D extends object = AnyData>(input: ListInput): Promise<TokenRecord<D>[]>;
  /** How many live tokens there are in a scope, or of an owner in it, by the indexes: no token is read. */
  count(input: CountInput): Promise<number>;
  /**
   * Who has live tokens in a scope, and how many, page by page. An owner is given at least once who has one and the same
   * token from the first page to the last; the same owner may come again on a later page.
   */
  owners(input: OwnersInput): Promise<OwnersPage>;
  /** A token's id, without I/O: the key for a caller's own cache, rate limit or log line. */
  idOf(input: TokenInput): string;
  /** The same operations for one scope, with its defaults filled in. */
  scope<D extends object = AnyData>(scope: ScopeDefaults): ScopedTokens<D>;
  /** Resolves when the store answers and fits these options. */
  ready(): Promise<void>;
  /** Waits for calls under way and ends what was opened here. Safe to call twice. */
  close(): Promise<void>;
}

/** What defines a scoped handle: plain data that services can share. */
export interface ScopeDefaults extends Scope {
  /** Seconds to live where a create or a refresh gives no `duration`. */
  duration?: number | undefined;
  /** Seconds without use where a create gives no `idle`. */
  idle?: number | undefined;
  /** How many live tokens an owner may have, where a create gives no `limit`. */
  limit?: OwnerLimit | undefined;
  /** Whether records show part of the secret, where a create gives no `hint`. */
  hint?: boolean | undefined;
  /** What this scope's generated tokens start with, in place of the door's own. */
  tokenPrefix?: string | undefined;
}

/** An input without what its scope fills in. */
export type Unscoped<I extends Scope> = Omit<I, keyof Scope | 'duration'> &
  (I extends { duration: number } ? { duration?: number | undefined } : unknown) &
  ('grace' extends keyof I ? { duration?: number | undefined } : unknown);

/** The operations on the tokens of one scope. */
export interface ScopedTokens<D extends object = AnyData> {
  /**
   * Makes a token that lives for `duration` seconds, or for the scope's.
   * @throws {ValidationError} {TokenExistsError} {TokenRevokedError} {LimitExceededError} {StoreUnavailableError}
   */
  create(input: Unscoped<CreateInput<D>>): Promise<Token<D>>;
  /** Reads a token: `undefined` where it is missing, expired or revoked. @throws {StoreUnavailableError} */
  get(input: Unscoped<GetInput>): Promise<Token<D> | undefined>;
  /** Merges changes into a token's data: `null` deletes a key. Never changes its expiry, never revives it. */
  update(input: Unscoped<UpdateInput<D>>): Promise<Token<D> | undefined>;
  /** Sets the remaining life to `duration` seconds from now, or to the scope's; never revives a token. */
  refresh(input: Unscoped<RefreshInput>): Promise<Token<D> | undefined>;
  /**
   * Puts a successor with a new secret in a generated token's place, and lets the token die. The scope's `duration` is not
   * taken: without one of its own, the successor's expiry is the token's.
   */
  rotate(input: Unscoped<RotateInput>): Promise<Token<D> | undefined>;
  /** Revokes a token; `false` where there was none. */
  delete(input: Unscoped<DeleteInput>): Promise<boolean>;
  /** Revokes every token of an owner in this scope, but for the one in `except`; resolves to their number. */
  deleteAll(input: Unscoped<DeleteAllInput>): Promise<number>;
  /** Revokes a token and resolves to it as it was: exactly one caller gets it, all others `undefined`. */
  consume(input: Unscoped<ConsumeInput>): Promise<Token<D> | undefined>;
  /** Reads a token by its id: with `owner`, only that owner's. */
  getById(input: Unscoped<IdInput>): Promise<TokenRecord<D> | undefined>;
  /** Revokes a token by its id; `false` where there was none, or with `owner` none of that owner's. */
  deleteById(input: Unscoped<DeleteByIdInput>): Promise<boolean>;
  /** Revokes every token of this scope; resolves to their number. */
  deleteScope(details?: RevocationDetails): Promise<number>;
  /** The live tokens of an owner, latest expiry first; 1,000 at most unless `limit` tells. */
  list(input: Unscoped<ListInput>): Promise<TokenRecord<D>[]>;
  /** How many live tokens there are in this scope, or of an owner in it. */
  count(input?: Unscoped<CountInput>): Promise<number>;
  /** Who has live tokens in this scope, and how many, page by page. */
  owners(input?: Unscoped<OwnersInput>): Promise<OwnersPage>;
  /** A token's id, without I/O. */
  idOf(input: Unscoped<TokenInput>): string;
}
