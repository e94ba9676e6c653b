-- Purpose: merges changes into a token's data; its expiry stays, and a dead token stays dead.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] its ids, the newest first  [9] maxDataBytes  [10] the version that it must have, or ''
--   ARGV[11…] key, JSON text of its value, or '' to delete it, …
-- Output: ok (record, version, createdAt; behind: its id where that is not the newest), none, conflict (version),
--         too-large (bytes), expired, ahead, late
--- @include "update"

return changes.update()
