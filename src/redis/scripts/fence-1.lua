#!lua flags=allow-oom
-- Purpose: is written, for a WAIT behind it: that waits for what its own connection wrote last, and for all before that.
-- Input:  KEYS[1] fence
-- Output: OK

return redis.call('SET', KEYS[1], '', 'PX', 1)
