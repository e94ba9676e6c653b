#!lua flags=allow-oom
-- Purpose: revokes a token by its id, for whoever has not the secret; with an owner, that owner's alone.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor  [6] record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] id  [9] owner, or ''  [10] reason and [11] by whom, or ''
-- Output: ok (1 where a token was ended, else 0), late
--- @include "delete"

return changes.deleteById()
