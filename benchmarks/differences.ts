// What the peers do and do not do: stands under the table, since no ratio tells it.

export const DIFFERENCES = `What the ratios do not tell:

- redis-tokens hashes a token before it asks for it: Redis never has the secret. redis-tokens 0.0.2, redis-sessions
  and connect-redis store secrets in the clear, as part of their keys.
- redis-tokens keeps two indexes (by owner, by scope) and a log, and publishes an event with each change. redis-sessions
  keeps sorted sets of sessions and users, and writes with each get. redis-tokens 0.0.2, connect-redis and raw ioredis keep one key
  per token, and tell nobody.
- A get of redis-tokens checks its input and answers with the owner, the version and the times, beside the data.
- redis-tokens 0.0.2, which this package grew from, finds a token by KEYS: each get looks at every key of the database.
- Of raw ioredis the faster counts, with or without autopipelining, in each run anew.
- connect-redis and redis-sessions are used with node-redis, their own client; the others with ioredis.
- The empty BullMQ worker writes no tokens and publishes BullMQ's events only; jobs are one by one, as it takes no others.`;
