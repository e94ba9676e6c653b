// Bearer authentication for Fastify (RFC 6750), as a plugin: who presents a live API key gets in, others get a 401.
import Fastify, { type FastifyRequest } from 'fastify';
import { RedisTokens, StoreUnavailableError, type Token } from 'redis-tokens';

type ApiKey = Token<{ plan: string }>;
const tokens = new RedisTokens(process.env.REDIS_URL, { cache: {} });
const keys = tokens.scope<ApiKey['data']>({ app: 'shop', type: 'api-key', tokenPrefix: 'shop_key_' });

declare module 'fastify' {
  interface FastifyRequest {
    key: ApiKey | null;
  }
}

const app = Fastify();
app.addHook('onClose', () => tokens.close());
app.setErrorHandler((error, _request, reply) => {
  // Redis is away: that says nothing about the key, so it is no 401.
  if (error instanceof StoreUnavailableError) return reply.code(503).send();
  return reply.send(error);
});

app.decorateRequest('key', null);
app.register(async (closed) => {
  closed.addHook('onRequest', async (request, reply) => {
    request.key = (await keys.get({ token: bearer(request) })) ?? null;
    if (!request.key) return reply.code(401).header('www-authenticate', 'Bearer').send();
  });
  closed.get('/me', ({ key }) => ({ owner: key?.owner, plan: key?.data.plan }));
});

const bearer = ({ headers }: FastifyRequest): string =>
  /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';

await tokens.ready();
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log('listening');
process.once('SIGTERM', () => app.close());
