// redis-sessions: a hash per session, and sorted sets of sessions and users; each get counts itself.
import redisSessionsModule from 'redis-sessions';
import { APP, DURATION, data } from '../payload.js';
import { numbered, type Subject } from './subject.js';

export function redisSessions(url: string): Subject {
  const sessions = new redisSessionsModule.default({ wipe: 0, options: { url } });
  return {
    name: 'redis-sessions',
    database: 3,
    create: async (owner) => {
      const { token } = await sessions.create({
        app: APP,
        id: owner,
        ip: '127.0.0.1',
        ttl: DURATION,
        d: { ...data },
      });
      return token;
    },
    get: (token) => sessions.get({ app: APP, token }),
    dataIn: (answer) => (answer as { d?: unknown } | null)?.d,
    cloning: {
      tokenOf: numbered,
      script: `
        local session = redis.call('HGETALL', 'rs:${APP}:' .. ARGV[3])
        for i = ARGV[1], ARGV[2] do
          local owner = string.format('owner-%07d', i)
          local token = ARGV[3]:sub(1, -8) .. string.format('%07d', i)
          redis.call('ZADD', 'rs:${APP}:_sessions', i, token .. ':' .. owner)
          redis.call('ZADD', 'rs:${APP}:_users', i, owner)
          redis.call('ZADD', 'rs:SESSIONS', i, '${APP}:' .. token .. ':' .. owner)
          redis.call('SADD', 'rs:${APP}:us:' .. owner, token)
          redis.call('HSET', 'rs:${APP}:' .. token, unpack(session))
          redis.call('HSET', 'rs:${APP}:' .. token, 'id', owner)
        end`,
    },
    close: () => sessions.quit(),
  };
}
