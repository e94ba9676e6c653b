// Reads tokens at random, and tells of each read when it began and whether it saw the token.
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { RedisTokens } from '../../../src/redis-tokens.js';

export interface Read {
  index: number;
  /** `process.hrtime`, which all processes of a machine share. */
  begun: string;
  seen: boolean;
}

const { url, prefix, app, type, secrets, reads, cache } = JSON.parse(process.argv[2] as string);
const tokens = new RedisTokens(url, { prefix, cache });
await tokens.ready();
console.log('ready');
await once(process.stdin, 'data');

const log: Read[] = [];
const IN_FLIGHT = 8;
/** Sightings end with the last token: a while later there is nothing left to catch. */
let live = secrets.length as number;
const dead = new Set<number>();
const read = async () => {
  while (log.length < reads || live > 0) {
    const index = Math.floor(Math.random() * secrets.length);
    // One that is gone is looked at less often, but still now and then.
    if (dead.has(index) && Math.random() < 0.5) continue;
    if (cache) await turn(); // what is answered from the process waits for nobody: nothing else would be heard
    const begun = process.hrtime.bigint();
    const seen = (await tokens.get({ app, type, token: secrets[index] })) !== undefined;
    log.push({ index, begun: String(begun), seen });
    if (!seen && !dead.has(index)) {
      dead.add(index);
      live--;
    }
  }
};
await Promise.all(Array.from({ length: IN_FLIGHT }, read));
await tokens.close();
process.stdin.destroy();
console.log(JSON.stringify(log));
