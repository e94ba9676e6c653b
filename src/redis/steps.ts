/** What ends many tokens goes in steps: what these have in common. */
import type { Microseconds } from '../tokens/clock.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import type { Attempt } from '../tokens/repository.js';
import type { RevocationDetails } from '../tokens/types.js';

/** No deadline: for the later steps of a change whose first step has met it, and for what may come late. */
export const FOR_EVER: Microseconds = Number.MAX_SAFE_INTEGER;

/** How the steps behind the first are run. */
export const later = (attempt: Attempt): Attempt => (attempt.job ? attempt : { ...attempt, until: FOR_EVER });

/** A step of something that has begun: where it fails, a part is done. */
export async function begun<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || error.outcome === 'unknown') throw error;
    throw new StoreUnavailableError(error.message, 'unknown', { cause: error });
  }
}

/** What the events of a revocation tell, as scripts take it. */
export const toldArgs = ({ reason, by }: RevocationDetails): [reason: string, by: string] => [
  reason ?? '',
  by ?? '',
];
