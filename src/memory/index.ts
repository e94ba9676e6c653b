/**
 * Tokens without Redis, for an application's own tests.
 * @module redis-tokens/testing
 */
export type { RevocationReason, TokenEvent, TokenEventType } from '../tokens/events.js';
export type { GuessingOptions, GuessingSuspected } from '../tokens/guessing.js';
export type { ScopeDefaults, ScopedTokens, TokenOperations } from '../tokens/operations.js';
export type { TokenOptions } from '../tokens/options.js';
export type { Pepper, PepperKey } from '../tokens/pepper.js';
export type { TokenRepository } from '../tokens/repository.js';
export type {
  AnyData,
  Changes,
  CountInput,
  CreateInput,
  GetInput,
  ListInput,
  ListPosition,
  OwnerCount,
  OwnerInput,
  OwnerLimit,
  OwnersInput,
  OwnersPage,
  RefreshInput,
  RotateInput,
  Scope,
  Token,
  TokenInput,
  TokenRecord,
  UpdateInput,
} from '../tokens/types.js';
export { MemoryTokenRepository, type MemoryTokensOptions } from './repository.js';
export { MemoryTokens } from './tokens.js';
