// The package redis-tokens as it was before, 0.0.2: what looks for a key goes through all of them.
import { RedisTokens } from 'seed';
import { APP, DURATION, data, ownerOf, TYPE } from '../payload.js';
import { numbered, type Subject } from './subject.js';

export function seed(url: string): Subject {
  const tokens = new RedisTokens(url);
  return {
    name: 'redis-tokens 0.0.2',
    database: 2,
    create: async (owner) => {
      const made = await tokens.create({ app: APP, type: TYPE, owner, data, duration: DURATION });
      if (!made) throw new Error('the seed made no token');
      return made.token;
    },
    get: (token) => tokens.get({ app: APP, type: TYPE, token }),
    dataIn: (answer) => (answer as { data: unknown } | undefined)?.data,
    cloning: {
      tokenOf: numbered,
      script: `
        local key = 'app:${APP}|type:${TYPE}|owner:%s|token:%s'
        local value = redis.call('GET', key:format('${ownerOf(0)}', ARGV[3]))
        for i = ARGV[1], ARGV[2] do
          local token = ARGV[3]:sub(1, -8) .. string.format('%07d', i)
          redis.call('SET', key:format(string.format('owner-%07d', i), token), value, 'EX', ${DURATION})
        end`,
    },
    close: async () => tokens.client.disconnect(),
  };
}
