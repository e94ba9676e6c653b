/** What callers pass in and get back: the shapes of the public API. */

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
  /** Epoch milliseconds. */
  expiresAt: number;
  /** The prefix and the last four characters of the secret, where its create asked for it: for lists. */
  hint?: string;
  /** What its create called it: for lists. */
  label?: string;
}

/** A record together with the secret that the client presents. */
export interface Token<D extends object = AnyData> extends TokenRecord<D> {
  token: string;
}

/** Changes to a token's data: `null` deletes a key, `undefined` is ignored, anything else replaces the value. */
export type Changes<D extends object> = { [K in keyof D]?: D[K] | null | undefined };

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
  /** Seconds to live, more than 0, at most ten years. Fractions are allowed. */
  duration: number;
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

export interface UpdateInput<D extends object = AnyData> extends TokenInput {
  data: Changes<D>;
}

export interface RefreshInput extends TokenInput {
  /** Seconds to live from now, more than 0, at most ten years. */
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

/** A place in a list: any record of it, which may be gone by now. */
export type ListPosition = Pick<TokenRecord, 'id' | 'expiresAt'>;

export interface ListInput extends OwnerInput {
  /** How many records at most, 1–10,000. Default 1,000. */
  limit?: number | undefined;
  /** The last record seen: the list goes on after it. */
  after?: ListPosition | undefined;
}

/** Input and result of each operation; `Result` is what travels over the queue. */
export interface Operations<D extends object = AnyData> {
  create: { input: CreateInput<D>; result: TokenRecord<D> };
  get: { input: TokenInput; result: TokenRecord<D> | undefined };
  update: { input: UpdateInput<NoInfer<D>>; result: TokenRecord<D> | undefined };
  refresh: { input: RefreshInput; result: TokenRecord<D> | undefined };
  rotate: { input: RotateInput; result: TokenRecord<D> | undefined };
  delete: { input: TokenInput; result: boolean };
  deleteAll: { input: OwnerInput; result: number };
  list: { input: ListInput; result: TokenRecord<D>[] };
}

export type Operation = keyof Operations;

/** The operations on tokens, the same through every door. */
export interface TokenOperations {
  /**
   * Makes a token.
   * @throws {ValidationError} before any I/O, naming every wrong field.
   * @throws {TokenExistsError} where `customToken` is alive in the scope.
   * @throws {TokenRevokedError} where the owner was logged out everywhere after this call began.
   */
  create<D extends object = AnyData>(input: CreateInput<D>): Promise<Token<D>>;
  /** Reads a token: `undefined` where it is missing, expired or revoked. */
  get<D extends object = AnyData>(input: TokenInput): Promise<Token<D> | undefined>;
  /** Merges changes into a token's data, atomically; never changes its expiry, never revives it. */
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
  delete(input: TokenInput): Promise<boolean>;
  /** Revokes every token of an owner in the scope that was created before this call; resolves to their number. */
  deleteAll(input: OwnerInput): Promise<number>;
  /** The live tokens of an owner, latest expiry first. */
  list<D extends object = AnyData>(input: ListInput): Promise<TokenRecord<D>[]>;
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
  /** Seconds to live where a call gives no `duration`. */
  duration?: number | undefined;
  /** Records per list where a call gives no `limit`. */
  limit?: number | undefined;
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
   * @throws {ValidationError} {TokenExistsError} {TokenRevokedError} {StoreUnavailableError}
   */
  create(input: Unscoped<CreateInput<D>>): Promise<Token<D>>;
  /** Reads a token: `undefined` where it is missing, expired or revoked. @throws {StoreUnavailableError} */
  get(input: Unscoped<TokenInput>): Promise<Token<D> | undefined>;
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
  delete(input: Unscoped<TokenInput>): Promise<boolean>;
  /** Revokes every token of an owner in this scope; resolves to their number. */
  deleteAll(input: Unscoped<OwnerInput>): Promise<number>;
  /** The live tokens of an owner, latest expiry first; 1,000 at most unless `limit` tells. */
  list(input: Unscoped<ListInput>): Promise<TokenRecord<D>[]>;
  /** A token's id, without I/O. */
  idOf(input: Unscoped<TokenInput>): string;
}
