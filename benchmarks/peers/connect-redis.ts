// connect-redis, the store of express-session, with the client that it is made for.
import { randomBytes } from 'node:crypto';
import { RedisStore } from 'connect-redis';
import type { SessionData } from 'express-session';
import { createClient } from 'redis';
import { DURATION, data } from '../payload.js';
import { numbered, type Subject } from './subject.js';

export async function connectRedis(url: string): Promise<Subject> {
  const client = createClient({ url });
  await client.connect();
  const store = new RedisStore({ client, ttl: DURATION });
  return {
    name: 'connect-redis',
    database: 4,
    create: async (owner) => {
      const sid = randomBytes(24).toString('base64url'); // as express-session's uid-safe makes them
      await store.set(sid, { owner, data } as unknown as SessionData);
      return sid;
    },
    get: (sid) => store.get(sid) as Promise<unknown>,
    dataIn: (answer) => (answer as { data: unknown } | null)?.data,
    cloning: {
      tokenOf: numbered,
      script: `
        local key = 'sess:' .. ARGV[3]
        local value = redis.call('GET', key)
        for i = ARGV[1], ARGV[2] do
          redis.call('SET', key:sub(1, -8) .. string.format('%07d', i), value, 'EX', ${DURATION})
        end`,
    },
    close: async () => client.destroy(),
  };
}
