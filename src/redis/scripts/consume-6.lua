#!lua flags=allow-oom
-- Purpose: revokes a token and answers it as it was: of many callers one gets it.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor  [6] record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] its ids, the newest first  [9] reason and [10] by whom, or ''
-- Output: ok (record, version, createdAt; behind: its id where that is not the newest), none, expired, ahead, late
--- @include "consume"

return changes.consume()
