// Commands on our queue, before there is a worker or while it works.
import type { Redis } from 'ioredis';
import { times } from './load.js';
import { APP, DURATION, data, ownerOf, TYPE } from './payload.js';
import type { TokenProducer } from './peers/ours.js';

const SCOPE = { app: APP, type: TYPE };

/** Commands enqueued in one tick, as a service under load does; and how many such ticks wait for Redis at once. */
const PER_TICK = 100;
const TICKS_IN_FLIGHT = 8;

type Enqueue = (producer: TokenProducer, index: number) => Promise<unknown>;

export const createOf =
  (owner: (index: number) => string): Enqueue =>
  (producer, index) =>
    producer.enqueue('create', { ...SCOPE, owner: owner(index), data, duration: DURATION });

/** By turns a create, and an update and a refresh of one of the tokens. */
export const mixOf = (tokens: readonly string[]): Enqueue => {
  const create = createOf(ownerOf);
  return (producer, index) => {
    const token = tokens[index % tokens.length] as string;
    if (index % 3 === 0) return create(producer, index);
    return index % 3 === 1
      ? producer.enqueue('update', { ...SCOPE, token, data: { cart: index } })
      : producer.enqueue('refresh', { ...SCOPE, token, duration: DURATION });
  };
};

/** Resolves once so many commands are in the queue. */
export async function enqueue(producer: TokenProducer, count: number, command: Enqueue): Promise<void> {
  await times(Math.ceil(count / PER_TICK), TICKS_IN_FLIGHT, (tick) => {
    const from = tick * PER_TICK;
    const length = Math.min(PER_TICK, count - from);
    return Promise.all(Array.from({ length }, (_, index) => command(producer, from + index)));
  });
}

/** Jobs that wait for a worker. */
export const waitingJobs = (redis: Redis): Promise<number> => redis.llen('{rt}:commands:wait');

/** Events that were ever written. */
export async function eventsWritten(redis: Redis): Promise<number> {
  const info = (await redis.xinfo('STREAM', '{rt:0}:log')) as unknown[];
  return Number(info[info.indexOf('entries-added') + 1]);
}

/** Jobs that wait or that a worker has taken. */
export const jobsUnderWay = async (redis: Redis): Promise<number> =>
  (await waitingJobs(redis)) + (await redis.llen('{rt}:commands:active'));
