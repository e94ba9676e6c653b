// A service that keeps its place: it tells of each revocation that it has done with, and of its cursor, until it is killed.
import { setTimeout as wait } from 'node:timers/promises';
import { TokenSubscriber } from '../../../src/index.js';

const { url, prefix, from } = JSON.parse(process.argv[2] as string);
const subscriber = new TokenSubscriber(url, { prefix, from });
subscriber.on('events-lost', (lost) => console.log(`lost ${JSON.stringify(lost)}`));
subscriber.on('token-revoked', async ({ id, subject }) => {
  console.log(`begun ${id}`);
  await wait(3 * Number(id.split('-')[1]?.at(-1))); // some take longer than those behind them
  console.log(`done ${id} ${subject}`);
});
await subscriber.start();
console.log('ready');
setInterval(() => console.log(`cursor ${subscriber.cursor}`), 5);
