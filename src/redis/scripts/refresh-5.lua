-- Purpose: sets a token's remaining life; a dead token stays dead.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] its ids, the newest first  [9] duration in milliseconds
-- Output: ok (record, version, createdAt; behind: its id where that is not the newest), none, expired, ahead, late
--- @include "refresh"

return changes.refresh()
