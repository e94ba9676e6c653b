/** The queues. A revocation has a lane of its own, so that it never waits behind other work. */
import { crc32 } from 'node:zlib';
import { isRevocation } from '../tokens/commands.js';
import type { Operation } from '../tokens/operations.js';

/** The name of a queue. */
export type Lane = 'commands' | 'revocations';

export const LANES: readonly Lane[] = ['commands', 'revocations'];

/** One of a lane's queues: where there are several, each may lie on another node of a Cluster. */
export interface LaneQueue {
  lane: Lane;
  partition: number;
}

/** All queues of these lanes. */
export const queuesOf = (partitions: number, lanes: readonly Lane[] = LANES): LaneQueue[] =>
  lanes.flatMap((lane) => Array.from({ length: partitions }, (_, partition) => ({ lane, partition })));

/** The queue that a job of this id belongs on, for whoever looks for it by its id alone. */
export const queueOf = (lane: Lane, jobId: string, partitions: number): LaneQueue => ({
  lane,
  partition: crc32(jobId) % partitions,
});

/** The name that is told of a queue, in job records and traces: of the first the lane's. */
export const nameOf = ({ lane, partition }: LaneQueue): string =>
  partition === 0 ? lane : `${lane}.${partition}`;

/** The queue of what workers do unasked. */
export const MAINTENANCE = 'maintenance';

export const laneOf = (operation: Operation): Lane => (isRevocation(operation) ? 'revocations' : 'commands');
