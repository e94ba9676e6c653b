// Bearer authentication for Express (RFC 6750): who presents a live API key gets in, others get a 401.
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { RedisTokens, StoreUnavailableError } from 'redis-tokens';

const tokens = new RedisTokens(process.env.REDIS_URL, { cache: {} });
const keys = tokens.scope<{ plan: string }>({ app: 'shop', type: 'api-key', tokenPrefix: 'shop_key_' });

const authenticate: RequestHandler = async (request, response, next) => {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '') ?? [];
  const key = await keys.get({ token });
  if (!key) return void response.set('WWW-Authenticate', 'Bearer').sendStatus(401);
  response.locals.key = key;
  next();
};

/** Redis is away: that says nothing about the key, so it is no 401. */
const unavailable: ErrorRequestHandler = (error, _request, response, next) =>
  error instanceof StoreUnavailableError ? void response.sendStatus(503) : next(error);

const app = express();
app.get('/me', authenticate, (_request, response) => {
  const { owner, data } = response.locals.key;
  response.json({ owner, plan: data.plan });
});
app.use(unavailable);

await tokens.ready();
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening'));
process.once('SIGTERM', () => server.close(() => tokens.close()));
