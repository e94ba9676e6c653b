-- What the steps of deleteAll and deleteScope over an index have in common.
-- ARGV[9] the revocation's time as fixed by its first step, or ''; of this pass so far, [10] expiry and [11] member that
-- were last seen, or '', and [12] tokens ended; [13] tokens ended in this shard, where no job counts them.
--- @include "attempt"
--- @include "mark"

-- The time up to which a revocation with this mark revokes.
local function time_of_steps(name)
  local fixed = tonumber(ARGV[9])
  if fixed or queued then return fixed or revocation_time() end
  -- In process it ends what there is when it runs: what a creator ahead of time made is younger than the last mark,
  -- or than now.
  return math.max(revocation_time(), newest_out() + 1, marked(name) + 1)
end

-- The reply of a step that has met a page of at most `limit` members, with scores, and ended so many of them.
-- is_last: whether the shard is done once this index is.
local function end_step(page, limit, ended, stamp, is_last)
  local ended_in_pass = ended + tonumber(ARGV[12])
  local counted = command_id .. ':ended' -- by every attempt of the job, side by side too
  local total = ended + tonumber(queued and redis.call('HGET', KEYS[4], counted) or not queued and ARGV[13] or 0)
  local pass_over = #page < 2 * limit
  local saw_all = pass_over and ARGV[11] == '' -- in one step, so that nothing can have moved out of its way
  local is_over = saw_all or (pass_over and ended_in_pass == 0)
  if is_over and is_last then return settle('ok', '', total, stamp) end
  if queued then decide(KEYS[4], counted, digits(total)) end
  if is_over then return answer('ok', '', total, stamp) end
  local reply = answer('more', '', total, stamp, pass_over and 0 or ended_in_pass)
  if not pass_over then reply[8], reply[9] = page[#page], page[#page - 1] end
  return reply
end
