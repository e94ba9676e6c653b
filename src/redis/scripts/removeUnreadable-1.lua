#!lua flags=allow-oom
-- Purpose: removes what can not be read, if it is still that.
-- Input:  KEYS[1] the key; ARGV[1] the type that it should have, ARGV[2] SHA-1 of its value where it has that type, or ''
-- Output: 1 where it was removed, else 0

local type = redis.call('TYPE', KEYS[1]).ok
if type == 'none' then return 0 end
if type == ARGV[1] and (ARGV[2] == '' or redis.sha1hex(redis.call('GET', KEYS[1])) ~= ARGV[2]) then return 0 end
return redis.call('UNLINK', KEYS[1])
