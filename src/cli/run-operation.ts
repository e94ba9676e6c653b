/** Runs one operation: in this process, or as a command on the queue. */
import type { TokenProducer } from '../queue/producer.js';
import type { Connection } from '../redis/connection.js';
import { RedisTokens } from '../redis-tokens.js';
import { type Settings, tokenOptions } from '../service/settings.js';
import type { Operation } from '../tokens/operations.js';
import type { TokenOptions } from '../tokens/options.js';
import { PRESENTING } from '../tokens/sealer.js';
import { leftToEnd } from './left-to-end.js';
import type { Output } from './output.js';
import { whileCounting } from './while-counting.js';

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
  // Who has no pepper may still look, and revoke without a token.
  if (options.pepper === undefined && !needsPepper(operation, input)) options.pepper = false;
  const door = queued
    ? await openProducer(settings.connection, options)
    : new RedisTokens(settings.connection, options);
  try {
    const run = (door as unknown as Record<Operation, (input: Input) => Promise<unknown>>)[operation](input);
    const count = leftToEnd(door, operation, input, settings);
    return await (count ? whileCounting(run, count, output) : run);
  } finally {
    await door.close();
  }
}

/** Whether it takes or makes a token. */
const needsPepper = (operation: Operation, { except }: Input): boolean =>
  operation === 'create' || PRESENTING.has(operation) || except !== undefined;

/** Loaded only where it is needed: BullMQ takes as long to load as all else. */
async function openProducer(connection: Connection, options: TokenOptions): Promise<TokenProducer> {
  const { TokenProducer } = await import('../queue/producer.js');
  return new TokenProducer(connection, options);
}
