#!lua flags=allow-oom
-- Purpose: one step of revoking all that there is in a scope, for the scope's sake or its app's: a page of its tokens.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] 'scope' or 'app': what is revoked  [9] the revocation's time as fixed by its first step, or ''
--   ARGV[10] expiry and [11] member of the scope index that were last seen in this pass, or ''
--   ARGV[12] tokens ended in this pass before this step
--   ARGV[13] tokens ended in this shard before this step, where no job counts them
--   ARGV[14] '1' where this shard is done once this scope is  [15] reason and [16] by whom, or ''
-- Output: ok (tokens ended in this shard, the revocation's time): this scope is done, and with ARGV[14] the shard
--         more (the same, then tokens ended in this pass, and expiry and member to go on from, or '' for a new pass)
--         late
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "steps"
--- @include "told"

local PAGE = 200 -- tokens of a step: some two milliseconds

local what = ARGV[8] == 'app' and app_mark() or scope_mark()

local reply = begin(true)
if reply then return reply end

local stamp = time_of_steps(what)
mark(what, stamp)
mark_late(what, stamp)

local first = rank_behind(true, KEYS[1], ARGV[10], ARGV[11])
local page = redis.call('ZRANGE', KEYS[1], first, first + PAGE - 1, 'WITHSCORES')
local by_owner, ended = {}, 0
for i = 1, #page, 2 do
  local id, owner = sub(page[i], 1, 22), sub(page[i], 24)
  local record = read_head(id)
  if not record or record.owner ~= owner then
    expire(id, owner)
  elseif record.created <= stamp or (not queued and record.created > now) then
    by_owner[owner] = by_owner[owner] or {}
    table.insert(by_owner[owner], { id = id, record = record })
    ended = ended + 1
  end
end
local otherwise = ARGV[8] == 'app' and 'deleted-app' or 'deleted-scope'
for owner, tokens in pairs(by_owner) do
  revoke_all(tokens, owner, told(ARGV[15], otherwise), told(ARGV[16]))
end

return end_step(page, PAGE, ended, stamp, ARGV[14] == '1')
