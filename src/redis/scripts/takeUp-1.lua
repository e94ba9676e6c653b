#!lua flags=allow-oom
-- Purpose: takes back what giveUp decided, and nothing else.
-- Input:  KEYS[1] job; ARGV commandIds
-- Output: nothing
--- @include "decision"

for _, command_id in ipairs(ARGV) do
  if redis.call('HGET', KEYS[1], command_id) == GIVEN_UP then redis.call('HDEL', KEYS[1], command_id) end
end
