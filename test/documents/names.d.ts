// What the code in the documents takes for given: names that a reader has around it. Each block declares the others itself.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RedisTokens, ScopedTokens, TokenProducer, TokenSubscriber } from 'redis-tokens';

declare global {
  const tokens: RedisTokens;
  const producer: TokenProducer;
  const subscriber: TokenSubscriber;
  const sessions: ScopedTokens<{ cart: number; theme?: string }>;
  /** The secret, as a client presents it. */
  const token: string;
  const request: IncomingMessage;
  const response: ServerResponse;
  function closeSocketsOf(id: string, owner: string): void;
  function closeEverySocket(): void;
}
