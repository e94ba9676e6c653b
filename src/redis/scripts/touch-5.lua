#!lua flags=allow-oom
-- Purpose: writes down that a token was used: it lives for its idle time from then on, up to its ceiling. No event.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] -  [5] record
--   ARGV[1] app  [2] type  [3] ''  [4] when it was used  [5] until  [6] '0'  [7] maxCommandAge
--   ARGV[8] id  [9] milliseconds since the use before within which it is not written down
-- Output: ok, none, expired, ahead, late
--- @include "touch"

return changes.touch()
