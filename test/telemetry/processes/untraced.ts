// Operations in process and through the queue by a program without telemetry; prints what it has loaded of OpenTelemetry.
import { createRequire } from 'node:module';

const { library, url, prefix } = JSON.parse(process.argv[2] as string);
const { RedisTokens, TokenProducer, TokenWorker } = (await import(
  library
)) as typeof import('../../../src/index.js');

const worker = new TokenWorker({ connection: url, prefix });
await worker.start();
for (const tokens of [new RedisTokens(url, { prefix }), new TokenProducer(url, { prefix })]) {
  const made = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
  const found = await tokens.get({ app: 'shop', type: 'session', token: made.token });
  if (found?.id !== made.id) throw new Error('the token is not found');
  await tokens.close();
}
await worker.close();
const loaded = Object.keys(createRequire(import.meta.url).cache);
console.log(
  `loaded ${loaded.length > 100} ${loaded.filter((file) => /opentelemetry|bullmq-otel/.test(file))}`,
);
