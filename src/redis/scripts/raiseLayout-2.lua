#!lua flags=allow-oom
-- Purpose: says that a deployment has the next layout, where who migrated it to that still holds the lock.
-- Input:  KEYS[1] meta  [2] the lock; ARGV[1] who holds it, ARGV[2] the layout before, ARGV[3] the next
-- Output: 1 where it was raised, else 0

if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('HGET', KEYS[1], 'layout') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'layout', ARGV[3])
return 1
