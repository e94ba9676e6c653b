// A service that must react to revocations: it tells of each, until its input ends.
import { once } from 'node:events';
import { TokenSubscriber } from '../../../src/index.js';

const { url, prefix } = JSON.parse(process.argv[2] as string);
const subscriber = new TokenSubscriber(url, { prefix });
subscriber.on('token-revoked', (event) => console.log(JSON.stringify(event)));
await subscriber.start();
console.log('ready');
process.stdin.resume();
await once(process.stdin, 'end');
await subscriber.close();
