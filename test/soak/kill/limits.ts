// What holds for owners whose tokens are limited, whatever happened to the workers.
import type { TokenEvent } from '../../../src/index.js';
import type { Entry } from './ledger.js';

/** Whether a token was ended so that there was room for another. */
export const isMadeRoom = ({ type, data }: TokenEvent): boolean =>
  type === 'token-revoked' && data.reason === 'limit';

/** Only a create under a limit ends others, and only such as are of its owner. */
export const mayMakeRoom = ({ subject, data }: TokenEvent, cause: Entry | undefined): boolean =>
  cause?.meaning.limit?.overflow === 'end-oldest' &&
  cause.meaning.owner === data.owner &&
  cause.receipt.id !== subject;

/** Owners who had more tokens than their limit at some time: all of them lie in one shard, so their events in one order. */
export function beyondLimits(
  entries: readonly Entry[],
  events: readonly TokenEvent[],
): { owner: string; text: string }[] {
  const limits = new Map<string, { max: number; living: number }>();
  for (const { meaning } of entries) {
    if (meaning.limit) limits.set(meaning.owner, { max: meaning.limit.max, living: 0 });
  }
  const found: { owner: string; text: string }[] = [];
  for (const { type, data } of events) {
    const limit = limits.get(data.owner);
    if (!limit) continue;
    if (type === 'token-created') limit.living++;
    else if (type === 'token-revoked' || type === 'token-expired') limit.living--;
    if (limit.living > limit.max)
      found.push({ owner: data.owner, text: `had ${limit.living} tokens of ${limit.max}` });
  }
  return found;
}
