/** From the option `migrateFrom` to the repository that moves tokens as they are used. */
import type { Connection } from '../redis/connection.js';
import { tokenId } from '../tokens/identity.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { TokenRepository } from '../tokens/repository.js';
import { MigratingRepository } from './migrating-repository.js';
import { Mover } from './mover.js';
import { OldIndex } from './old-index.js';
import { OldStore } from './old-store.js';
import type { MigrateFromOptions } from './options.js';

/** @param connection of the door, where the old tokens have none of their own. @throws {ConfigError} */
export function openMigrating(
  repository: TokenRepository,
  connection: Connection | undefined,
  options: ResolvedTokenOptions,
  from: MigrateFromOptions,
): TokenRepository {
  const source = from.connection ?? connection;
  const old = new OldStore(source, options.timeout);
  const index = new OldIndex(
    source,
    old,
    ({ app, type, token }) => tokenId(app, type, token, options.peppers[0]?.key),
    options.timeout,
  );
  const mover = new Mover(repository, { ...options, duration: from.duration });
  return new MigratingRepository(repository, old, index, mover);
}
