// Starts one of each, uses them, closes them, and has nothing more to do: the process is to end by itself.
import { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker } from '../../../src/index.js';

const { url, prefix, there } = JSON.parse(process.argv[2] as string);
const tokens = new RedisTokens(url, { prefix, timeout: 500 });
const producer = new TokenProducer(url, { prefix, timeout: there ? 5_000 : 500 });
const worker = new TokenWorker({ connection: url, prefix, timeout: 500, closeTimeout: 1_000 });
const subscriber = new TokenSubscriber(url, { prefix });
const all = [subscriber, worker, producer, tokens];

if (there) {
  const revoked = new Promise((resolve) => subscriber.once('token-revoked', resolve));
  await Promise.all([subscriber.start(), worker.start()]);
  const { token } = await producer.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
  if (!(await tokens.delete({ app: 'shop', type: 'session', token }))) throw new Error('there is no token');
  await Promise.all([revoked, tokens.client.ping()]);
} else {
  const attempts = [worker.start(), producer.ready(), tokens.ready()];
  subscriber.start().catch(() => {});
  const outcomes = await Promise.allSettled(attempts);
  if (outcomes.some(({ status }) => status === 'fulfilled')) throw new Error('there is a Redis');
}
await Promise.all(all.map((one) => one.close()));
console.log('closed');
