#!lua flags=allow-oom
-- Purpose: one step of revoking what an owner had in a scope: all of it where that is little, else a page.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor  [6] owner index
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] owner  [9] the revocation's time as fixed by its first step, or ''
--   ARGV[10] expiry and [11] id of the last token seen in this pass, or ''
--   ARGV[12] tokens ended in this pass before this step
--   ARGV[13] tokens ended in this shard before this step, where no job counts them
--   ARGV[14] the ids of a token that stays, the newest first, or ''  [15] reason and [16] by whom, or ''
-- Output: ok (tokens ended in this shard, the revocation's time): this shard is done
--         more (the same, then tokens ended in this pass, and expiry and id to go on from, or '' for a new pass)
--         late
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "steps"
--- @include "family"
--- @include "reseal"
--- @include "told"

local AT_ONCE = 1000 -- tokens that one atomic step ends
local PAGE = 200 -- tokens of a step where there are more: about two milliseconds

local owner = ARGV[8]

local reply = begin(true)
if reply then return reply end

local stamp = time_of_steps(owner_mark(owner))

-- Where it lies, and what stands there.
local excepted, except = false, ''
if ARGV[14] ~= '' then excepted, except = settle_in(ARGV[14]) end

-- The one that stays must outlive the mark. What was revoked before, and is still there, does not stay.
local function spare(record)
  if not record or record.owner ~= owner or record.created > stamp then return end
  if revocation_of(except, record) then return end
  if stamp > tonumber(attribute(record, 'spared') or 0) then
    set_number(record, 'spared', stamp)
    write(except, record)
  end
  return true
end
local is_spared = excepted and spare(parse(excepted))
-- One that was spared, and rotated since the first step, stays as what has become of it.
local rotated = excepted and marker(excepted)
local function is_successor(record)
  return rotated and attribute(record, 'family') == rotated.family
    and tonumber(attribute(record, 'spared') or 0) >= stamp
end

local hidden = except == '' and marked(owner_mark(owner)) > stamp
mark(owner_mark(owner), stamp)
mark_late(except == '' and owner_mark(owner) or others_mark(owner), stamp, hidden)

local limit = redis.call('ZCARD', KEYS[6]) <= AT_ONCE and AT_ONCE or PAGE
local first = rank_behind(true, KEYS[6], ARGV[10], ARGV[11])
local page = redis.call('ZRANGE', KEYS[6], first, first + limit - 1, 'WITHSCORES')
local to_end = {}
for i = 1, #page, 2 do
  local record = read_head(page[i])
  if not record or record.owner ~= owner then
    expire(page[i], owner)
  elseif is_successor(record) or (page[i] == except and (is_spared or record.created > stamp)) then
    -- it stays
  elseif record.created <= stamp or (not queued and record.created > now) then
    to_end[#to_end + 1] = { id = page[i], record = record }
  end
end
revoke_all(to_end, owner, told(ARGV[15], 'deleted-all'), told(ARGV[16]))

return end_step(page, limit, #to_end, stamp, true)
