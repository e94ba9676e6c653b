// Another client of Redis, of whom nothing else is wanted: how long does it wait at most while others work?
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { secondsSince } from '../load.js';
import { answer } from './child.js';

/** Milliseconds between two PINGs: often enough to meet every script, seldom enough to leave the cores to others. */
const PAUSE = 1;

const redis = new Redis(process.argv[2] as string);
let pinging: Promise<number> | undefined;
let over = false;

/** Milliseconds of the longest wait until it is over. */
async function ping(): Promise<number> {
  let longest = 0;
  while (!over) {
    const begin = process.hrtime.bigint();
    await redis.ping();
    longest = Math.max(longest, secondsSince(begin) * 1_000);
    await wait(PAUSE);
  }
  return longest;
}

await redis.ping();
answer({
  begin: () => {
    over = false;
    pinging = ping();
  },
  longest: () => {
    over = true;
    return pinging;
  },
});
