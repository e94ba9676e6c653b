-- Purpose: makes a token, unless it was revoked after the create was issued or lives already.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor  [6] record  [7] owner index  [8] scopes
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] its ids, the newest first  [9] owner  [10] owner as JSON  [11] duration in milliseconds  [12] '1' custom
--   ARGV[13] what it has besides its data, and [14] its data, as they stand in a record: `,{…}` or '', `,"k1","json1",…]`
--   ARGV[15] how many live tokens the owner may have, this one included, or ''  [16] '1' to end the oldest beyond that
-- Output: ok (record where it was there before, version, createdAt, expiresAt; behind: its id where that is not the
--         newest), exists, revoked, limit, expired, ahead, late
--- @include "create"

return changes.create()
