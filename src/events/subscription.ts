/** What a subscription comes to: whether it stands in time, and what its messages say. */
import { StoreUnavailableError } from '../tokens/errors.js';
import type { TokenEvent } from '../tokens/events.js';
import { GUESSING_SUSPECTED, type GuessingSuspected } from '../tokens/guessing.js';

/** The event that a message tells of; `undefined` for what a stranger published. */
export function parseEvent(text: string): TokenEvent | GuessingSuspected | undefined {
  try {
    const event = JSON.parse(text) as TokenEvent | GuessingSuspected;
    if (event.type === GUESSING_SUSPECTED) return typeof event.data?.client === 'string' ? event : undefined;
    return /^\d+-\d+-\d+$/.test(event.id) && event.data ? event : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A subscription that is not confirmed in time is none; nor is one whose connection is lost, and ended then: ioredis
 * never answers for it.
 */
export function bounded<T>(subscription: Promise<T>, timeout: number, closed: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer);
      closed.removeEventListener('abort', giveUp);
      done();
    };
    const giveUp = () =>
      settle(() => reject(new StoreUnavailableError(`no reply within ${timeout} ms`, 'none')));
    const timer = setTimeout(giveUp, timeout);
    closed.addEventListener('abort', giveUp);
    subscription.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}
