/** Inversify bindings: from plain options to the repository, the executor and the worker. */
import 'reflect-metadata';
import { Container, type ServiceIdentifier } from 'inversify';
import { CommandExecutor, executorRules } from './queue/executor.js';
import { TokenWorker, type TokenWorkerOptions } from './queue/worker.js';
import { defaultSpread } from './redis/connection.js';
import { openRepository } from './redis/durable-repository.js';
import { resolveTokenOptions } from './tokens/options.js';
import type { TokenRepository } from './tokens/repository.js';

const identifier = <T>(name: string): ServiceIdentifier<T> => Symbol.for(`redis-tokens:${name}`);

/** What the container holds. Bind one of them before `createContainer`, or rebind it afterwards, to replace it. */
export const TYPES = {
  /** What it was made with. */
  Options: identifier<TokenWorkerOptions>('Options'),
  /** Where commands are run. */
  TokenRepository: identifier<TokenRepository>('TokenRepository'),
  /** How a job's commands are run. */
  CommandExecutor: identifier<CommandExecutor>('CommandExecutor'),
  /** The worker, which is not started yet. */
  TokenWorker: identifier<TokenWorker>('TokenWorker'),
} as const;

/**
 * A container that resolves the worker and what it stands on; each is one per container.
 *
 * @param container the caller's own, to bind into; what is bound there already is kept. Default: a new one.
 * @example
 * const container = createContainer({ connection: 'redis://localhost:6379' });
 * const worker = container.get(TYPES.TokenWorker);
 * await worker.start();
 * // …
 * await worker.close();
 * await container.unbindAllAsync(); // closes the repository
 */
export function createContainer(options: TokenWorkerOptions = {}, container = new Container()): Container {
  if (!container.isBound(TYPES.Options)) container.bind(TYPES.Options).toConstantValue(options);
  if (!container.isBound(TYPES.TokenRepository)) {
    container
      .bind(TYPES.TokenRepository)
      .toResolvedValue(createRepository, [TYPES.Options])
      .inSingletonScope()
      .onDeactivation((repository) => repository.close());
  }
  if (!container.isBound(TYPES.CommandExecutor)) {
    container
      .bind(TYPES.CommandExecutor)
      .toResolvedValue(
        (repository: TokenRepository, given: TokenWorkerOptions) =>
          new CommandExecutor(repository, executorRules(given)),
        [TYPES.TokenRepository, TYPES.Options],
      )
      .inSingletonScope();
  }
  if (!container.isBound(TYPES.TokenWorker)) {
    container
      .bind(TYPES.TokenWorker)
      .toResolvedValue(
        (repository: TokenRepository, executor: CommandExecutor, given: TokenWorkerOptions) =>
          new TokenWorker({ ...given, repository, executor }),
        [TYPES.TokenRepository, TYPES.CommandExecutor, TYPES.Options],
      )
      .inSingletonScope();
  }
  return container;
}

function createRepository(options: TokenWorkerOptions): TokenRepository {
  const resolved = resolveTokenOptions(options, defaultSpread(options.connection));
  return options.repository ?? openRepository(options.connection, resolved);
}
