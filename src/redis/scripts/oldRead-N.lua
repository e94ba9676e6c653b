-- Purpose: reads tokens that redis-tokens 0.0 stored, each with its expiry in one step.
-- Input:  KEYS the keys
-- Output: for each key: its value, or nil where it is no string or not there; when it expires in milliseconds, -1 for never,
--         -2 where it is not there
--- @include "old"

local found = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key)
  found[2 * i - 1] = type(value) == 'string' and value
  found[2 * i] = expiry_of(key)
end
return found
