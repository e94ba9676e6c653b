// Logs an owner in as often as a line of its input says, under a limit, all at once. It answers with what came of each.
import { createInterface } from 'node:readline';
import { RedisTokens, TokenProducer } from '../../../src/index.js';

const { url, prefix, shards, queued, ...scope } = JSON.parse(process.argv[2] as string);
const options = { prefix, shards };
const door = queued ? new TokenProducer(url, options) : new RedisTokens(url, options);
await door.ready();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { batch, owner, count, limit } = JSON.parse(line);
  const made = await Promise.allSettled(
    Array.from({ length: count }, () => door.create({ ...scope, owner, duration: 600, limit })),
  );
  const answers = made.map((one) => (one.status === 'fulfilled' ? one.value.token : one.reason.code));
  console.log(`${batch} ${JSON.stringify(answers)}`);
}
await door.close();
