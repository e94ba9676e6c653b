/** Runs one operation: in this process, or as a command on the queue. */
import type { TokenProducer } from '../queue/producer.js';
import type { Connection } from '../redis/connection.js';
import { RedisTokens } from '../redis-tokens.js';
import { type Settings, tokenOptions } from '../service/settings.js';
import type { Operation } from '../tokens/operations.js';
import type { TokenOptions } from '../tokens/options.js';
import type { CountInput } from '../tokens/types.js';
import type { Output } from './output.js';
import { whileCounting } from './while-counting.js';

/** Milliseconds for which the end may have to wait for a count that is under way. */
const COUNT_TIMEOUT = 500;

type Input = Record<string, unknown>;

/** Resolves to what the operation does, once everything that it opened is closed. How far a long one has come is told meanwhile. */
export async function runOperation(
  operation: Operation,
  input: Input,
  settings: Settings,
  queued: boolean,
  output: Output,
): Promise<unknown> {
  const options = tokenOptions(settings);
  const door = queued
    ? await openProducer(settings.connection, options)
    : new RedisTokens(settings.connection, options);
  try {
    const run = (door as unknown as Record<Operation, (input: Input) => Promise<unknown>>)[operation](input);
    // What an app has in all, no operation counts.
    if (operation !== 'deleteAll' && operation !== 'deleteScope') return await run;
    const { app, type, owner } = input as unknown as CountInput;
    const count = () =>
      door instanceof RedisTokens
        ? door.count({ app, type, owner })
        : door.count({ app, type, owner }, { timeout: COUNT_TIMEOUT });
    return await whileCounting(run, count, output);
  } finally {
    await door.close();
  }
}

/** Loaded only where it is needed: BullMQ takes as long to load as all else. */
async function openProducer(connection: Connection, options: TokenOptions): Promise<TokenProducer> {
  const { TokenProducer } = await import('../queue/producer.js');
  return new TokenProducer(connection, options);
}
