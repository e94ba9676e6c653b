#!lua flags=allow-oom
-- Purpose: gives up the commands of a job that nothing was decided for, so that no attempt applies them any more.
-- Input:  KEYS[1] job; ARGV commandIds
-- Output: nothing
--- @include "decision"

for _, command_id in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[1], command_id) == 0 then decide(KEYS[1], command_id, GIVEN_UP) end
end
