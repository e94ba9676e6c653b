// Logs owners in: those that a line of its input names as JSON. It answers with their tokens.
import { createInterface } from 'node:readline';
import { RedisTokens, TokenProducer } from '../../../src/index.js';

const { url, prefix, queued, app, type } = JSON.parse(process.argv[2] as string);
const door = queued ? new TokenProducer(url, { prefix }) : new RedisTokens(url, { prefix });
await door.ready();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { batch, owners } = JSON.parse(line) as { batch: string; owners: string[] };
  const made = await Promise.allSettled(
    owners.map((owner) => door.create({ app, type, owner, duration: 600 })),
  );
  const tokens = made.map((one) =>
    one.status === 'fulfilled' ? one.value.token : `refused: ${one.reason.code}`,
  );
  console.log(`${batch} ${JSON.stringify(tokens)}`);
}
await door.close();
