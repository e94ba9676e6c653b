/** The queues. A revocation has a lane of its own, so that it never waits behind other work. */
import { isRevocation } from '../tokens/commands.js';
import type { Operation } from '../tokens/operations.js';

/** The name of a queue. */
export type Lane = 'commands' | 'revocations';

export const LANES: readonly Lane[] = ['commands', 'revocations'];

/** The queue of what workers do unasked. */
export const MAINTENANCE = 'maintenance';

export const laneOf = (operation: Operation): Lane => (isRevocation(operation) ? 'revocations' : 'commands');
