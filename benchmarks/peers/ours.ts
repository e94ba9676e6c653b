// redis-tokens as it was built: everything of it comes from here.
import { RedisTokens, type TokenOptions } from '../../dist/index.js';
import { APP, DURATION, data, TYPE } from '../payload.js';
import type { Subject } from './subject.js';

export * from '../../dist/index.js';

export function ours(url: string, options: TokenOptions = {}): Subject & { readonly tokens: RedisTokens } {
  const tokens = new RedisTokens(url, options);
  return {
    name: 'redis-tokens',
    database: 0,
    tokens,
    create: async (owner) => {
      const { token } = await tokens.create({ app: APP, type: TYPE, owner, data, duration: DURATION });
      return token;
    },
    get: (token) => tokens.get({ app: APP, type: TYPE, token }),
    dataIn: (answer) => (answer as { data: unknown } | undefined)?.data,
    close: () => tokens.close(),
  };
}
