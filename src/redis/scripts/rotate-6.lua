-- Purpose: puts a successor with another secret in a token's place, at most one; a dead token stays dead.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] record  [6] the successor's record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] its ids, the newest first  [9] the successor's id  [10] nonce
--   ARGV[11] duration in milliseconds, or ''  [12] grace in milliseconds  [13] the successor's hint, percent-encoded
-- Output: ok (record, version, createdAt, 1 or 2; behind: the successor's id, its nonce), none, exists, expired,
--         ahead, late
--- @include "rotate"

return changes.rotate()
