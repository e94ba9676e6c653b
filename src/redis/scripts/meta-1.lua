-- Purpose: fixes what all processes of a deployment must agree on, where no process has before.
-- Input:  KEYS[1] meta; ARGV field, value, field, value, …
-- Output: the values that stand, in the order of the fields; or why this server does not do

if not redis.REDIS_VERSION_NUM then return 'older than 7.0' end

local values = {}
for i = 1, #ARGV, 2 do
  redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
  values[#values + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return values
