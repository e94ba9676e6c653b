// Log-in sessions: two weeks at most, half an hour without use, on five devices.
import { RedisTokens } from 'redis-tokens';

const tokens = new RedisTokens(process.env.REDIS_URL);
const sessions = tokens.scope<{ roles: string[] }>({
  app: 'shop',
  type: 'session',
  duration: 14 * 86_400,
  idle: 30 * 60,
  limit: { max: 5, overflow: 'end-oldest' },
});

/** Once the password was checked. The token goes into a cookie: HttpOnly, Secure, SameSite=Lax. */
async function logIn(user: string, device: string): Promise<string> {
  const { token } = await sessions.create({ owner: user, label: device, data: { roles: ['buyer'] } });
  return token;
}

/** For each request. A cookie that is missing, wrong, expired or revoked is nobody's. */
const userOf = async (cookie = '') => (await sessions.get({ token: cookie }))?.owner;

const logOut = (cookie: string) => sessions.delete({ token: cookie, reason: 'logout', by: 'user' });

const cookie = await logIn('ann', 'Firefox on Linux');
console.log(await userOf(cookie)); // ann

// The page “where you are logged in”.
for (const { label, createdAt } of await sessions.list({ owner: 'ann' })) {
  console.log(`${label}, since ${new Date(createdAt).getFullYear()}`);
}

await logOut(cookie);
console.log(await userOf(cookie)); // undefined
await tokens.close();
