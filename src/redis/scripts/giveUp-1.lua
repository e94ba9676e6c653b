#!lua flags=allow-oom
-- Purpose: gives up the commands of a job that nothing was decided for, so that no attempt applies them any more.
-- Input:  KEYS[1] job; ARGV commandIds
-- Output: those that are given up, now or before
--- @include "decision"

local given_up = {}
for _, command_id in ipairs(ARGV) do
  local decided = redis.call('HGET', KEYS[1], command_id)
  if not decided then decide(KEYS[1], command_id, GIVEN_UP) end
  if not decided or decided == GIVEN_UP then given_up[#given_up + 1] = command_id end
end
return given_up
