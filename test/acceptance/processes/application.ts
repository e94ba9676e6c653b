// An application that talks to Redis itself: it reads each token that a line of its input presents.
import { createInterface } from 'node:readline';
import { RedisTokens } from '../../../src/index.js';

const { url, prefix } = JSON.parse(process.argv[2] as string);
const tokens = new RedisTokens(url, { prefix });
await tokens.ready();
console.log('ready');
for await (const token of createInterface({ input: process.stdin })) {
  const found = await tokens.get({ app: 'shop', type: 'session', token });
  console.log(found ? JSON.stringify(found) : 'gone');
}
await tokens.close();
