#!lua flags=allow-oom
-- Purpose: a token that was read has been rotated before: its family ends, once its grace is over.
-- Input:
--   KEYS[1] scope index  [2] log  [3] the token's marker
--   ARGV[1] app  [2] type  [3] commandId, or ''
--   ARGV[4] issuedAt of the read  [5] id
-- Output: the ids of what was ended
--- @include "family"

issued = tonumber(ARGV[4])
local rotated = marker(redis.call('GET', KEYS[3]))
if rotated and is_reuse(rotated) then reuse(ARGV[5], rotated) end
return ended_ids
