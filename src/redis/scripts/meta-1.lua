#!lua flags=allow-oom
-- Purpose: fixes what all processes of a deployment must agree on, where no process has before.
-- Input:  KEYS[1] meta; ARGV field, value, field, value, …
-- Output: the values that stand, in the order of the fields; or why this server does not do

if not redis.REDIS_VERSION_NUM then return 'older than 7.0' end

local values = {}
for i = 1, #ARGV, 2 do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if not value then
    value = ARGV[i + 1]
    redis.call('HSET', KEYS[1], ARGV[i], value)
  end
  values[#values + 1] = value
end
return values
