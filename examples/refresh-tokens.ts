// Refresh tokens that change with each use (RFC 9700, section 4.14.2): an old one that is used again ends the log-in.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisTokens, TokenSubscriber } from 'redis-tokens';

const tokens = new RedisTokens(process.env.REDIS_URL);
const refreshTokens = tokens.scope({ app: 'shop', type: 'refresh', duration: 30 * 86_400 });
const accessTokens = tokens.scope({ app: 'shop', type: 'access', duration: 5 * 60 });
const GRACE = 1; // seconds for which a client whose answer was lost may ask again: 10 to 30 do in practice

async function refresh(presented: string) {
  const next = await refreshTokens.rotate({ token: presented, grace: GRACE });
  if (!next) return undefined; // the client has to log in again
  const { token } = await accessTokens.create({ owner: next.owner });
  return { refreshToken: next.token, accessToken: token };
}

const subscriber = new TokenSubscriber(process.env.REDIS_URL, { app: 'shop', type: 'refresh' });
subscriber.on('token-reused', ({ data }) => console.log(`a token of ${data.owner} was stolen`));
await subscriber.start();
const reused = once(subscriber, 'token-reused');

const { token: first } = await refreshTokens.create({ owner: 'ann' });
const second = await refresh(first);
const again = await refresh(first); // the answer was lost on its way, say
console.log(second?.refreshToken === again?.refreshToken); // true

await wait(GRACE * 1_000 + 100);
console.log(await refresh(first)); // undefined: a thief, or she herself after a thief
console.log(await refresh(second?.refreshToken ?? '')); // undefined: so nobody has it any more

await reused;
await Promise.all([subscriber.close(), tokens.close()]);
