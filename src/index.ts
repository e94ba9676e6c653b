/**
 * Server-side tokens in Redis: in process, as commands on a queue, and their events.
 * @module redis-tokens
 */
export { createContainer, TYPES } from './container.js';
export { type SessionRevoked, toSecurityEvent } from './events/security-event.js';
export {
  type LostEvents,
  TokenSubscriber,
  type TokenSubscriberEvents,
  type TokenSubscriberOptions,
} from './events/subscriber.js';
export type { MigrateFromOptions } from './migration/options.js';
export type { BatchOptions } from './queue/batcher.js';
export type { Lane } from './queue/lanes.js';
export { TokenProducer, type TokenProducerOptions } from './queue/producer.js';
export type { CommandOptions, EnqueueOptions, ProducerScope, ResultOptions } from './queue/producer-scope.js';
export type { Receipt, ReceiptData } from './queue/receipt.js';
export type { QueueTelemetry } from './queue/telemetry.js';
export type { CommandResult, JobData, JobResult, RotatedValue, WireCommand } from './queue/wire.js';
export {
  TokenWorker,
  type TokenWorkerEvents,
  type TokenWorkerOptions,
  type WorkedJob,
} from './queue/worker.js';
export type { ClusterAddress } from './redis/cluster.js';
export type { Connection } from './redis/connection.js';
export type { CacheOptions } from './redis/near-cache/options.js';
export { RedisTokens, type RedisTokensOptions } from './redis-tokens.js';
export type { Command, Commands } from './tokens/commands.js';
export {
  ClosedError,
  CommandConflictError,
  CommandExpiredError,
  CommandFailedError,
  ConfigError,
  type FieldProblem,
  LimitExceededError,
  NotReplicatedError,
  QueueFullError,
  ResultTimeoutError,
  type StoreOutcome,
  StoreUnavailableError,
  TokenError,
  type TokenErrorCode,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
  VersionConflictError,
  type WireError,
} from './tokens/errors.js';
export {
  type RevocationReason,
  type Revoker,
  TOKEN_EVENT_TYPES,
  type TokenEvent,
  type TokenEventType,
} from './tokens/events.js';
export type { GuessingOptions, GuessingSuspected, Miss } from './tokens/guessing.js';
export type { TokenUse } from './tokens/idle.js';
export type {
  Operation,
  Operations,
  ScopeDefaults,
  ScopedOperation,
  ScopedTokens,
  TokenOperations,
  Unscoped,
} from './tokens/operations.js';
export type { DurabilityOptions, TokenOptions } from './tokens/options.js';
export type { Pepper, PepperKey } from './tokens/pepper.js';
export type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from './tokens/repository.js';
export { generateToken } from './tokens/secret.js';
export type { Telemetry, Traced, TracePoint } from './tokens/telemetry.js';
export type {
  AnyData,
  Changes,
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
  ListPosition,
  OwnerCount,
  OwnerInput,
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
} from './tokens/types.js';
