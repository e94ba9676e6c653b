// Consumes a token many times at once, when told to, and tells how often it got it.
import { once } from 'node:events';
import { RedisTokens, TokenProducer } from '../../../src/index.js';

const { url, prefix, app, type, token, queued, times } = JSON.parse(process.argv[2] as string);
const door = queued ? new TokenProducer(url, { prefix }) : new RedisTokens(url, { prefix });
await door.ready();
console.log('ready');
await once(process.stdin, 'data');
const answers = await Promise.all(
  Array.from({ length: times }, () => door.consume({ app, type, token, reason: 'used' })),
);
await door.close();
process.stdin.destroy();
console.log(`got ${answers.filter((answer) => answer !== undefined).length}`);
