// Opens, uses and closes one of everything, and is then to end by itself.
import { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker } from '../../../src/index.js';

const { url, prefix, reachable } = JSON.parse(process.argv[2] as string);
const events = [
  'exit',
  'beforeExit',
  'uncaughtException',
  'unhandledRejection',
  'SIGTERM',
  'SIGINT',
  'warning',
] as const;
const handlers = () => events.map((event) => process.listenerCount(event)).join();
const before = handlers();

const options = { prefix, timeout: 500 };
const tokens = new RedisTokens(url, options);
const producer = new TokenProducer(url, options);
const worker = new TokenWorker({ connection: url, ...options });
const subscriber = new TokenSubscriber(url, { prefix });
const scope = { app: 'shop', type: 'session' };
const calls = async () => {
  await worker.start();
  await subscriber.start();
  const { token } = await producer.create({ ...scope, owner: 'ann', duration: 60 });
  await tokens.client.ping();
  await tokens.get({ ...scope, token });
  await tokens.delete({ ...scope, token });
};
if (reachable) {
  await calls();
} else {
  const failed = (call: Promise<unknown>) =>
    call.then(
      () => process.exit(3),
      () => {},
    );
  void failed(subscriber.start()); // closed while it still tries
  await Promise.all([failed(worker.start()), failed(tokens.ready()), failed(producer.ready())]);
}
if (handlers() !== before) throw new Error(`handlers of the process: ${before} before, ${handlers()} now`);
await Promise.all([tokens.close(), producer.close(), worker.close(), subscriber.close()]);
console.log('closed');
