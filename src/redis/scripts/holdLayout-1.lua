#!lua flags=allow-oom
-- Purpose: goes on holding the lock of who migrates a deployment, or lets go of it.
-- Input:  KEYS[1] the lock; ARGV[1] who holds it, ARGV[2] for how many milliseconds more: 0 to let go
-- Output: 1 where it was held, else 0

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
