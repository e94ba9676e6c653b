/** Runs one operation: in this process, or as a command on the queue. */
import type { Connection } from '../redis/connection.js';
import { RedisTokens } from '../redis-tokens.js';
import { type Settings, tokenOptions } from '../service/settings.js';
import type { Operation, TokenOperations } from '../tokens/operations.js';
import type { TokenOptions } from '../tokens/options.js';

type Input = Record<string, unknown>;

/** Resolves to what the operation does, once everything that it opened is closed. */
export async function runOperation(
  operation: Operation,
  input: Input,
  settings: Settings,
  queued: boolean,
): Promise<unknown> {
  const options = tokenOptions(settings);
  const door = queued
    ? await openProducer(settings.connection, options)
    : new RedisTokens(settings.connection, options);
  try {
    return await (door as unknown as Record<Operation, (input: Input) => Promise<unknown>>)[operation](input);
  } finally {
    await door.close();
  }
}

/** Loaded only where it is needed: BullMQ takes as long to load as all else. */
async function openProducer(connection: Connection, options: TokenOptions): Promise<TokenOperations> {
  const { TokenProducer } = await import('../queue/producer.js');
  return new TokenProducer(connection, options);
}
