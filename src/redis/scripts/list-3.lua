#!lua flags=allow-oom
-- Purpose: the live records of an owner, latest expiry first; overdue members that it meets are ended, unless who asks may
--          not write. Which tokens they are is found in one step; where their records are many or large, they are read in
--          several.
-- Input:
--   KEYS[1] scope index  [2] log  [3] owner index
--   ARGV[1] app  [2] type  [3] ''
--   ARGV[4] owner  [5] limit  [6] expiry and [7] id of the last record seen, or ''
--   ARGV[8…] in place of that, ids that a step before has left
-- Output: { id, record, id, record, … }, { ids that are left }, and expiry and id of the last member that was found, or ''
--         where there are no more
--- @include "index"
--- @include "moved"

local RECORDS, BYTES = 500, 262144 -- that one step reads: some milliseconds

local owner, limit = ARGV[4], tonumber(ARGV[5])
local ids, last_expires, last_id = {}, '', ''
if ARGV[8] then
  for i = 8, #ARGV do ids[i - 7] = ARGV[i] end
else
  local rank = rank_behind(false, KEYS[3], ARGV[6], ARGV[7])
  ids = redis.call('ZRANGE', KEYS[3], rank, rank + limit - 1, 'REV')
  if #ids == limit then last_expires, last_id = redis.call('ZSCORE', KEYS[3], ids[limit]), ids[limit] end
end

local listed, left = {}, {}
for i, id in ipairs(ids) do
  if i > RECORDS or bytes_read >= BYTES then
    left[#left + 1] = id
  else
    local text, place = found(id) -- one that was left by a step before may have moved meanwhile
    local record = parse(text)
    if record and record.owner == owner then
      listed[#listed + 1] = place
      listed[#listed + 1] = text
    elseif redis.acl_check_cmd('XADD', KEYS[2], '*', 'event', '') and redis.call('ZSCORE', KEYS[3], id) then
      expire(id, owner) -- without a member somebody has told what became of it
    end
  end
end
return { listed, left, last_expires, last_id }
