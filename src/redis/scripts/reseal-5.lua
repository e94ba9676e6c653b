-- Purpose: reads a token that lies under an older pepper's id, and moves it to the id under the newest.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] -  [5] record under the newest id
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt of the read  [5] until  [6] '0'  [7] maxCommandAge
--   ARGV[8] its ids, the newest first
-- Output: ok (what stands there; behind: its id where that is not the newest), none, expired, ahead, late
--- @include "reseal"

return changes.reseal()
