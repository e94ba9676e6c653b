// Revokes tokens one by one, or all of an owner at once, and tells when each revocation had resolved.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisTokens, TokenProducer } from '../../../src/index.js';

export interface Revocation {
  index: number;
  /** `process.hrtime`, which all processes of a machine share. */
  end: string;
}

const { url, prefix, app, type, queued, tokens, owners } = JSON.parse(process.argv[2] as string);
const door = queued ? new TokenProducer(url, { prefix }) : new RedisTokens(url, { prefix });
await door.ready();
console.log('ready');
await once(process.stdin, 'data');

const log: Revocation[] = [];
for (const { index, token } of tokens) {
  await wait(3); // so that readers meet each token alive, and soon after its end
  await door.delete({ app, type, token });
  log.push({ index, end: String(process.hrtime.bigint()) });
}
for (const { owner, indexes } of owners) {
  await wait(8);
  await door.deleteAll({ app, type, owner });
  const end = String(process.hrtime.bigint());
  for (const index of indexes) log.push({ index, end });
}
await door.close();
process.stdin.destroy();
console.log(JSON.stringify(log));
