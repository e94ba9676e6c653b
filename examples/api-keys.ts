// API keys: shown once, known again by their end, revoked from a list.
import { RedisTokens } from 'redis-tokens';

const tokens = new RedisTokens(process.env.REDIS_URL);
const keys = tokens.scope<{ plan: string }>({
  app: 'shop',
  type: 'api-key',
  tokenPrefix: 'shop_key_', // by which secret scanners and people know it
  duration: 365 * 86_400,
  hint: true,
  limit: { max: 20 },
});

const { token } = await keys.create({ owner: 'ann', label: 'deploy script', data: { plan: 'pro' } });
console.log(`Keep it: it can not be shown again. ${token.length} characters`);

// The page of her keys, where nobody has the secret.
const [key] = await keys.list({ owner: 'ann' });
console.log(`${key?.label}: ${key?.hint}`); // deploy script: shop_key_…x7Qa

// Its button: `id` comes from the browser, so the owner is checked with it.
const revoked = await keys.deleteById({ id: key?.id ?? '', owner: 'ann', reason: 'leaked', by: 'user' });
console.log(revoked, await keys.get({ token })); // true undefined
await tokens.close();
