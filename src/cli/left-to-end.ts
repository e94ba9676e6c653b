/** Counts what a revocation of many has still to end. */
import type { TokenProducer } from '../queue/producer.js';
import { Keys } from '../redis/keys.js';
import { RedisTokens } from '../redis-tokens.js';
import type { Settings } from '../service/settings.js';
import type { Operation } from '../tokens/operations.js';
import type { CountInput } from '../tokens/types.js';

/** Milliseconds for which the end may have to wait for a count that is under way. */
const TIMEOUT = 500;

/** @returns nothing for an operation that is none, and for one whose tokens can not be counted through that door. */
export function leftToEnd(
  door: RedisTokens | TokenProducer,
  operation: Operation,
  input: Record<string, unknown>,
  settings: Settings,
): (() => Promise<number>) | undefined {
  const { app, type, owner } = input as unknown as CountInput;
  if (operation === 'deleteApp') {
    return door instanceof RedisTokens ? () => countOfApp(door, app, settings) : undefined;
  }
  if (operation !== 'deleteScope' && operation !== 'deleteAll') return undefined;
  return () =>
    door instanceof RedisTokens
      ? door.count({ app, type, owner })
      : door.count({ app, type, owner }, { timeout: TIMEOUT });
}

async function countOfApp(tokens: RedisTokens, app: string, { prefix, shards }: Settings): Promise<number> {
  const keys = new Keys(prefix);
  const names = Array.from({ length: shards }, (_, shard) => tokens.client.smembers(keys.scopes(shard)));
  const types = new Set<string>();
  for (const name of (await Promise.all(names)).flat()) {
    const scope = keys.scopeOf(name);
    if (scope?.app === app) types.add(scope.type);
  }
  const counts = await Promise.all([...types].map((type) => tokens.count({ app, type })));
  return counts.reduce((sum, count) => sum + count, 0);
}
