// A service that leaves Redis to a worker: at `create` it makes a token, at `revoke` it ends it.
import { createInterface } from 'node:readline';
import { TokenProducer } from '../../../src/index.js';

const { url, prefix } = JSON.parse(process.argv[2] as string);
const producer = new TokenProducer(url, { prefix });
const sessions = producer.scope({ app: 'shop', type: 'session', duration: 600 });
await producer.ready();
console.log('ready');

let token = '';
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'create') {
    ({ token } = await sessions.create({ owner: 'ann', data: { cart: [] } }));
    console.log(`token ${token}`);
  } else {
    console.log(`revoked ${await sessions.delete({ token })}`);
  }
}
await producer.close();
