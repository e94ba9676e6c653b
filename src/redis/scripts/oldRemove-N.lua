-- Purpose: removes tokens that redis-tokens 0.0 stored, those that are as they were read.
-- Input:  KEYS the keys; ARGV value, expiry, value, expiry, … as oldRead told them
-- Output: for each key: 1 where it was removed, 0 where it is another by now, -1 where it was not there
--- @include "old"

local removed = {}
for i, key in ipairs(KEYS) do
  local expiry = expiry_of(key)
  if expiry == -2 then
    removed[i] = -1
  elseif redis.pcall('GET', key) == ARGV[2 * i - 1] and expiry == tonumber(ARGV[2 * i]) then
    removed[i] = redis.call('DEL', key)
  else
    removed[i] = 0
  end
end
return removed
