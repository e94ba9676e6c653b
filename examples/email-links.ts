// E-mail links that work once: resetting a password.
import { RedisTokens } from 'redis-tokens';

const tokens = new RedisTokens(process.env.REDIS_URL);
const resets = tokens.scope<{ email: string }>({ app: 'shop', type: 'password-reset', duration: 15 * 60 });
const sessions = tokens.scope({ app: 'shop', type: 'session', duration: 14 * 86_400 });

/** The link of a mail. One that was asked for before stops working. */
async function linkFor(user: string, email: string): Promise<string> {
  await resets.deleteAll({ owner: user, reason: 'superseded', by: 'system' });
  const { token } = await resets.create({ owner: user, data: { email } });
  return `https://shop.example/reset#${token}`; // behind #, so that it is in no server's log
}

/** However often the form is sent, one of them gets the token. */
async function reset(token: string, savePassword: (user: string) => Promise<void>): Promise<boolean> {
  const used = await resets.consume({ token });
  if (!used) return false;
  await savePassword(used.owner);
  await sessions.deleteAll({ owner: used.owner, reason: 'password-changed', by: 'user' });
  return true;
}

const { token: session } = await sessions.create({ owner: 'ann' });
const [, token = ''] = (await linkFor('ann', 'ann@example.com')).split('#');
const tries = await Promise.all([1, 2, 3].map(() => reset(token, async () => {})));
console.log(tries.filter(Boolean).length); // 1
console.log(await sessions.get({ token: session })); // undefined
await tokens.close();
