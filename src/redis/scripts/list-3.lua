#!lua flags=allow-oom
-- Purpose: the live records of an owner, latest expiry first; overdue members that it meets are ended.
-- Input:
--   KEYS[1] scope index  [2] log  [3] owner index
--   ARGV[1] app  [2] type  [3] ''
--   ARGV[4] owner  [5] limit  [6] expiry and [7] id of the last record seen, or ''
-- Output: id, record, id, record, …
--- @include "index"

local owner, limit = ARGV[4], tonumber(ARGV[5])
local found = {}
local rank = rank_behind(false, KEYS[3], ARGV[6], ARGV[7])
while #found < 2 * limit do
  local wanted = limit - #found / 2
  local page = redis.call('ZRANGE', KEYS[3], rank, rank + wanted - 1, 'REV')
  for _, id in ipairs(page) do
    local text = redis.call('GET', record_key(id))
    local record = parse(text)
    if record and record.owner == owner then
      found[#found + 1] = id
      found[#found + 1] = text
      rank = rank + 1
    else
      expire(id, owner)
    end
  end
  if #page < wanted then break end
end
return found
