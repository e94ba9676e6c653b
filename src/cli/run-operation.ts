/** Runs one operation: in this process, or as a command on the queue. */
import type { Connection } from '../redis/connection.js';
import { RedisTokens } from '../redis-tokens.js';
import { pepper, type Settings } from '../service/settings.js';
import type { Operation, TokenOperations } from '../tokens/operations.js';
import type { TokenOptions } from '../tokens/options.js';
import type { CountInput } from '../tokens/types.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';

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
    return await whileCounting(run, () => door.count({ app, type, owner }), output);
  } finally {
    await door.close();
  }
}

/** Milliseconds between two counts of the tokens that are left. */
const COUNT_INTERVAL = 500;

/** Tells how many tokens a revocation has ended, by how many are left. They were counted first when it had run for a moment. */
async function whileCounting<T>(run: Promise<T>, count: () => Promise<number>, output: Output): Promise<T> {
  const progress = new Progress(output, 'tokens');
  let total: number | undefined;
  let idle = true;
  const tell = async () => {
    if (!idle) return;
    idle = false;
    const left = await count().catch(() => undefined); // it has no say in what becomes of the revocation
    if (left === undefined || over) return;
    idle = true;
    total = Math.max(total ?? 0, left);
    progress.at(total - left, total);
  };
  let over = false;
  const timer = setInterval(tell, COUNT_INTERVAL);
  try {
    return await run;
  } finally {
    over = true;
    clearInterval(timer);
    progress.end();
  }
}

/** Loaded only where it is needed: BullMQ takes as long to load as all else. */
async function openProducer(connection: Connection, options: TokenOptions): Promise<TokenOperations> {
  const { TokenProducer } = await import('../queue/producer.js');
  return new TokenProducer(connection, options);
}

/** What the library takes of the settings. */
export function tokenOptions(settings: Settings): TokenOptions {
  const { connection: _, concurrency: __, closeTimeout: ___, ...options } = settings;
  return { ...options, pepper: pepper() };
}
