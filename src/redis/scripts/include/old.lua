-- Tokens as redis-tokens 0.0 stored them: each a string, with a TTL or without. Their server may be older than Redis 7.

local function clock_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- When a key expires, in milliseconds; -1 for never, -2 where there is none.
local function expiry_of(key)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) == 'number' then return at end
  -- Before Redis 7, by how long it has left: counted from the very millisecond in which that was told.
  local before, left, after
  repeat
    before, left, after = clock_ms(), redis.call('PTTL', key), clock_ms()
  until before == after
  return left < 0 and left or before + left
end
