// Creates, updates and deletes tokens without end, many at a time, until it is killed.
import { RedisTokens } from '../../../src/redis-tokens.js';

const { url, prefix, queued } = JSON.parse(process.argv[2] as string);
/** Connections are named, so that whoever kills this process can tell when Redis has done with it. */
const connection = { ...addressOf(url), connectionName: prefix };
const door = queued ? await openQueue() : new RedisTokens(connection, { prefix });
await door.ready();

const scope = { app: 'shop', type: 'session' };
const change = async () => {
  for (let first = true; ; first = false) {
    const { token } = await door.create({ ...scope, owner: 'ann', duration: 600, data: { count: 0 } });
    if (first) console.log('ready');
    const updates = Math.floor(Math.random() * 4);
    for (let count = 1; count <= updates; count++) await door.update({ ...scope, token, data: { count } });
    if (Math.random() < 0.7) await door.delete({ ...scope, token });
  }
};
await Promise.all(Array.from({ length: 8 }, change));

/** Imported where it is needed only: most of these processes live for a fraction of a second. */
async function openQueue() {
  const { TokenProducer, TokenWorker } = await import('../../../src/index.js');
  await new TokenWorker({ connection, prefix }).start();
  return new TokenProducer(connection, { prefix });
}

function addressOf(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}
