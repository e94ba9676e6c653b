// How much room a server's data takes: to see that a flood stops taking more.
import type { Redis } from 'ioredis';

export interface Room {
  /** Bytes. */
  memory: number;
  keys: number;
}

export async function roomOf(redis: Redis): Promise<Room> {
  const [info, keys] = await Promise.all([redis.info('memory'), redis.dbsize()]);
  return { memory: Number(/^used_memory:(\d+)/m.exec(info)?.[1]), keys };
}
