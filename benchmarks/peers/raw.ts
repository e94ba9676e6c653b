// ioredis alone: a GET and a JSON.parse, by a token that is the key.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { DURATION, data } from '../payload.js';
import { numbered, type Subject } from './subject.js';

export function raw(url: string, autoPipelining = false): Subject {
  const redis = new Redis(url, { enableAutoPipelining: autoPipelining });
  return {
    name: autoPipelining ? 'raw ioredis, autopipelining' : 'raw ioredis',
    database: 1,
    create: async (owner) => {
      const token = randomBytes(16).toString('base64url');
      await redis.set(token, JSON.stringify({ owner, data }), 'EX', DURATION);
      return token;
    },
    get: async (token) => {
      const text = await redis.get(token);
      return text === null ? undefined : JSON.parse(text);
    },
    dataIn: (answer) => (answer as { data: unknown } | undefined)?.data,
    cloning: {
      tokenOf: numbered,
      script: `
        local value = redis.call('GET', ARGV[3])
        for i = ARGV[1], ARGV[2] do
          redis.call('SET', ARGV[3]:sub(1, -8) .. string.format('%07d', i), value, 'EX', ${DURATION})
        end`,
    },
    close: async () => redis.disconnect(),
  };
}
