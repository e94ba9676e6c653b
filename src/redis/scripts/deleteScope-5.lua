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
--- @include "told"

local PAGE = 200 -- tokens of a step: some two milliseconds

local what = ARGV[8] == 'app' and app_mark() or scope_mark()

local reply = begin(true)
if reply then return reply end

local stamp = tonumber(ARGV[9])
if not stamp then
  stamp = revocation_time()
  -- In process it ends what there is when it runs: what a creator ahead of time made is younger than the last mark,
  -- or than now.
  if not queued then stamp = math.max(stamp, newest_out() + 1, marked(what) + 1) end
end
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

local ended_in_pass = ended + tonumber(ARGV[12])
local counted = command_id .. ':ended' -- by every attempt of the job, side by side too
local total = ended + tonumber(queued and redis.call('HGET', KEYS[4], counted) or not queued and ARGV[13] or 0)
local pass_over = #page < 2 * PAGE
local saw_all = pass_over and ARGV[11] == '' -- in one step, so that nothing can have moved out of its way
local is_over = saw_all or (pass_over and ended_in_pass == 0)
if is_over and ARGV[14] == '1' then return settle('ok', '', total, stamp) end
if queued then decide(KEYS[4], counted, digits(total)) end
if is_over then return answer('ok', '', total, stamp) end
reply = answer('more', '', total, stamp, pass_over and 0 or ended_in_pass)
if not pass_over then reply[8], reply[9] = page[#page], page[#page - 1] end
return reply
