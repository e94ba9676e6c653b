// Log-out everywhere: every session but this one ends, and every service that holds a socket hears of it.
import { once } from 'node:events';
import { RedisTokens, TokenSubscriber } from 'redis-tokens';

const SESSION = { app: 'shop', type: 'session', duration: 14 * 86_400 };
const tokens = new RedisTokens(process.env.REDIS_URL);
const sessions = tokens.scope(SESSION);

// A service that keeps sockets open, by the id of the session that opened them.
const sockets = new Map<string, { close(): void }>();
const subscriber = new TokenSubscriber(process.env.REDIS_URL, { app: SESSION.app, type: SESSION.type });
subscriber.on('token-revoked', ({ subject, data }) => {
  sockets.get(subject)?.close();
  sockets.delete(subject);
  console.log(`${data.owner} is logged out: ${data.reason}`);
});
subscriber.on('events-lost', () => {
  for (const { close } of sockets.values()) close(); // better once too often
});
await subscriber.start();

const here = await sessions.create({ owner: 'ann', label: 'this laptop' });
for (const label of ['phone', 'library']) await sessions.create({ owner: 'ann', label });
for (const { id, label } of await sessions.list({ owner: 'ann' })) {
  sockets.set(id, { close: () => console.log(`the socket of ${label} is closed`) });
}

const ended = await sessions.deleteAll({ owner: 'ann', except: here.token, reason: 'log-out-everywhere' });
console.log(ended, (await sessions.get(here))?.label); // 2 this laptop
while (sockets.size > 1) await once(subscriber, 'token-revoked');
await Promise.all([subscriber.close(), tokens.close()]);
