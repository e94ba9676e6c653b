/** What callers can do: the operations of the public API, and where they are scoped. */
import type {
  AnyData,
  ConsumeInput,
  CountInput,
  CreateInput,
  DeleteAllInput,
  DeleteAppInput,
  DeleteByIdInput,
  DeleteInput,
  DeleteScopeInput,
  GetInput,
  IdInput,
  ListInput,
  OwnerLimit,
  OwnersInput,
  OwnersPage,
  RefreshInput,
  RevocationDetails,
  RotateInput,
  Scope,
  Token,
  TokenInput,
  TokenRecord,
  UpdateInput,
} from './types.js';

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

/** The name of an operation. */
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
   * before the rotation, or within `grace`, is no such use. With `idle`, the idle time begins anew.
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
