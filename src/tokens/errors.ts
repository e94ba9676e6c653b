/** Every error that the library throws on purpose, and how each travels in a result. */

/** The codes are part of the wire contract: they are never renamed. */
export type TokenErrorCode =
  | 'VALIDATION'
  | 'TOKEN_EXISTS'
  | 'TOKEN_REVOKED'
  | 'LIMIT_EXCEEDED'
  | 'VERSION_CONFLICT'
  | 'COMMAND_CONFLICT'
  | 'COMMAND_EXPIRED'
  | 'COMMAND_FAILED'
  | 'RESULT_TIMEOUT'
  | 'QUEUE_FULL'
  | 'STORE_UNAVAILABLE'
  | 'NOT_REPLICATED'
  | 'CONFIG'
  | 'CLOSED';

/** Base of all errors here. No message, stack or property of one holds a token. */
export class TokenError extends Error {
  /** Which one it is: part of the wire contract. */
  readonly code: TokenErrorCode;

  constructor(code: TokenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** One wrong field: its name (with a path inside `data`) and what is wrong with it. */
export interface FieldProblem {
  /** Its name, with a path inside `data`. */
  field: string;
  /** What is wrong, to be read behind the name. */
  problem: string;
}

/** The input is wrong; thrown before any I/O, with every wrong field at once. */
export class ValidationError extends TokenError {
  /** All that are wrong. */
  readonly fields: readonly FieldProblem[];

  constructor(subject: string, fields: readonly FieldProblem[]) {
    super(
      'VALIDATION',
      `${subject}: ${fields.map(({ field, problem }) => `${field} ${problem}`).join('; ')}`,
    );
    this.fields = fields;
  }
}

/** The custom token is alive in its scope already. */
export class TokenExistsError extends TokenError {
  constructor(message = 'this token exists already') {
    super('TOKEN_EXISTS', message);
  }
}

/** The create was overtaken by a revocation that was issued after it. */
export class TokenRevokedError extends TokenError {
  constructor(message = 'revoked after this create was issued') {
    super('TOKEN_REVOKED', message);
  }
}

/** The owner has as many live tokens in the scope as the create's `limit` allows. */
export class LimitExceededError extends TokenError {
  constructor(message = 'the owner has as many tokens as the limit allows') {
    super('LIMIT_EXCEEDED', message);
  }
}

/** The token's version is not the one that an update was to change: nothing was changed. */
export class VersionConflictError extends TokenError {
  /** The version that it had instead. */
  readonly currentVersion: number;

  constructor(currentVersion: number, message = `the token has version ${currentVersion}`) {
    super('VERSION_CONFLICT', message);
    this.currentVersion = currentVersion;
  }
}

/** The `commandId` was enqueued before, with another content. */
export class CommandConflictError extends TokenError {
  constructor(message: string) {
    super('COMMAND_CONFLICT', message);
  }
}

/** The command waited for too long: it was not applied, and will not be. */
export class CommandExpiredError extends TokenError {
  constructor(message = 'the command is too old to be applied, or its duration is over') {
    super('COMMAND_EXPIRED', message);
  }
}

/** The worker could not run the command; `cause` or the message tells why. */
export class CommandFailedError extends TokenError {
  constructor(message: string, options?: ErrorOptions) {
    super('COMMAND_FAILED', message, options);
  }
}

/** The job's attempts ran out before this command was decided: it was not applied, and will not be. */
export class GivenUpError extends CommandFailedError {
  constructor() {
    super('the command was given up');
  }
}

/** No result within `timeout`. The command may still run: ask for its result later with the receipt. */
export class ResultTimeoutError<R = unknown> extends TokenError {
  /** To ask for the result later. */
  readonly receipt: R;

  constructor(message: string, receipt: R) {
    super('RESULT_TIMEOUT', message);
    this.receipt = receipt;
  }
}

/** As many jobs wait in the lane as a producer's `maxQueueDepth` lets wait: nothing was enqueued. Try again later. */
export class QueueFullError extends TokenError {
  /** Which lane: `commands`. */
  readonly lane: string;
  /** How many jobs wait in it, as far as this producer knows. */
  readonly depth: number;
  /** How many may. */
  readonly limit: number;

  constructor(lane: string, depth: number, limit: number) {
    super('QUEUE_FULL', `${depth} jobs wait in the lane ${lane}, where ${limit} may`);
    this.lane = lane;
    this.depth = depth;
    this.limit = limit;
  }
}

/** Whether a change that was rejected can have taken effect. */
export type StoreOutcome = 'none' | 'unknown';

/** The store can not be reached, or answers that it can not serve. It says nothing about the token. */
export class StoreUnavailableError extends TokenError {
  /** `none`: nothing was changed, nor will be. `unknown`: a change may have taken effect. */
  readonly outcome: StoreOutcome;

  constructor(message: string, outcome: StoreOutcome, options?: ErrorOptions) {
    super('STORE_UNAVAILABLE', message, options);
    this.outcome = outcome;
  }
}

/** The change is made, and holds; but too few replicas have acknowledged it: it may be lost where the primary is. */
export class NotReplicatedError extends TokenError {
  /** How many have. */
  readonly acknowledged: number;

  constructor(acknowledged: number, message: string) {
    super('NOT_REPLICATED', message);
    this.acknowledged = acknowledged;
  }
}

/** An option is wrong, or does not fit what is stored. */
export class ConfigError extends TokenError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG', message, options);
  }
}

/** The object was closed before this call. */
export class ClosedError extends TokenError {
  constructor(what: string) {
    super('CLOSED', `${what} is closed`);
  }
}

/** An error as it travels in a result. */
export interface WireError {
  /** Of the error's class. */
  code: TokenErrorCode;
  /** For people. */
  message: string;
  /** What the class has besides. */
  details?: {
    /** Of a `ValidationError`. */
    fields?: readonly FieldProblem[];
    /** Of a `StoreUnavailableError`. */
    outcome?: StoreOutcome;
    /** Of a `VersionConflictError`. */
    currentVersion?: number;
    /** Of a `NotReplicatedError`. */
    acknowledged?: number;
  };
}

/** What of an error goes into a result; anything unexpected is a failed command. */
export function toWireError(error: unknown): WireError {
  if (error instanceof ValidationError) {
    return { code: error.code, message: error.message, details: { fields: error.fields } };
  }
  if (error instanceof StoreUnavailableError) {
    return { code: error.code, message: error.message, details: { outcome: error.outcome } };
  }
  if (error instanceof VersionConflictError) {
    const { code, message, currentVersion } = error;
    return { code, message, details: { currentVersion } };
  }
  if (error instanceof NotReplicatedError) {
    const { code, message, acknowledged } = error;
    return { code, message, details: { acknowledged } };
  }
  if (error instanceof TokenError) return { code: error.code, message: error.message };
  return { code: 'COMMAND_FAILED', message: error instanceof Error ? error.message : String(error) };
}

/** The error that a result tells of, in the class it had where it was thrown. */
export function fromWireError({ code, message, details }: WireError): TokenError {
  switch (code) {
    case 'VALIDATION': {
      const error = new ValidationError('', details?.fields ?? []);
      error.message = message;
      return error;
    }
    case 'TOKEN_EXISTS':
      return new TokenExistsError(message);
    case 'TOKEN_REVOKED':
      return new TokenRevokedError(message);
    case 'LIMIT_EXCEEDED':
      return new LimitExceededError(message);
    case 'VERSION_CONFLICT':
      return new VersionConflictError(details?.currentVersion ?? 0, message);
    case 'COMMAND_CONFLICT':
      return new CommandConflictError(message);
    case 'COMMAND_EXPIRED':
      return new CommandExpiredError(message);
    case 'STORE_UNAVAILABLE':
      return new StoreUnavailableError(message, details?.outcome ?? 'unknown');
    case 'NOT_REPLICATED':
      return new NotReplicatedError(details?.acknowledged ?? 0, message);
    case 'CONFIG':
      return new ConfigError(message);
    default:
      return new CommandFailedError(message);
  }
}
