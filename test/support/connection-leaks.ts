// Finds connections to the shared Redis that a test opened and left open.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { sharedRedisIfStarted } from './redis.js';

/** How long a connection that is being closed may still be seen, in ms. */
const GRACE = 1_000;

let observer: Redis | undefined;

/** The open connections by id, as CLIENT LIST shows them, without our own. */
export async function openConnections(): Promise<Map<string, string>> {
  const connections = new Map<string, string>();
  const redis = await sharedRedisIfStarted()?.catch(() => undefined);
  // A server that REDIS_URL names has other visitors, such as the redis-cli of whoever debugs a test.
  if (!redis?.isOurs) return connections;
  observer ??= new Redis(redis.url, { maxRetriesPerRequest: null });
  const own = String(await observer.client('ID'));
  for (const line of String(await observer.client('LIST')).split('\n')) {
    const id = /^id=(\d+) /.exec(line)?.[1];
    if (id !== undefined && id !== own) connections.set(id, describeConnection(line));
  }
  return connections;
}

/** The connections that are not among `known`, once those that are closing have had time to. */
export async function leakedConnections(known: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const deadline = performance.now() + GRACE;
  for (;;) {
    const leaked = await openConnections();
    for (const id of known.keys()) leaked.delete(id);
    if (leaked.size === 0 || performance.now() > deadline) return leaked;
    await wait(10);
  }
}

export function closeObserver(): void {
  observer?.disconnect();
  observer = undefined;
}

function describeConnection(line: string): string {
  const field = (name: string) => new RegExp(` ${name}=(\\S*)`).exec(line)?.[1] ?? '';
  return `${field('name') || 'unnamed'} (last command: ${field('cmd')}, channels: ${field('sub')})`;
}
