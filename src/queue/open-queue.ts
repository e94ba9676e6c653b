/** A BullMQ queue as all processes of a deployment open it. */
import { Queue, type Telemetry } from 'bullmq';
import type { RedisClient } from '../redis/connection.js';
import type { Keys } from '../redis/keys.js';
import { type LaneQueue, MAINTENANCE } from './lanes.js';

/** BullMQ copies return values into its stream of events, which nobody here reads. */
const EVENTS_KEPT = 100;

/**
 * @param client stays the caller's to close.
 * @param looksOnly leaves the queue as it is: BullMQ writes the settings of a queue into Redis when it opens it.
 * @param telemetry traces what is added.
 */
export function openQueue(
  place: LaneQueue | typeof MAINTENANCE,
  client: RedisClient,
  keys: Keys,
  looksOnly = false,
  telemetry?: Telemetry,
): Queue {
  const { lane: name, partition } = place === MAINTENANCE ? { lane: place, partition: 0 } : place;
  const queue = new Queue(name, {
    connection: client,
    prefix: keys.queues(partition),
    skipVersionCheck: true, // or a connection lost in the midst of it would leave the queue waiting for ever
    skipMetasUpdate: looksOnly,
    streams: { events: { maxLen: EVENTS_KEPT } },
    ...(telemetry && { telemetry }),
  });
  queue.on('error', () => {}); // every failure reaches a caller through its call
  return queue;
}
