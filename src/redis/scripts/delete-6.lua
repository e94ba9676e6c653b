#!lua flags=allow-oom
-- Purpose: revokes a token, and leaves a mark for a create of it that is still under way.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] job  [5] floor  [6] record
--   ARGV[1] app  [2] type  [3] commandId  [4] issuedAt  [5] until  [6] queued  [7] maxCommandAge
--   ARGV[8] id
-- Output: ok (1 where a token was ended, else 0), late
--- @include "attempt"
--- @include "index"
--- @include "mark"

local id = ARGV[8]

local reply = begin(true)
if reply then return reply end

local stamp = revocation_time()
local record = read(id)
-- In process it ends what there is when it runs, whatever the clock of its creator said.
if record and not queued then stamp = math.max(stamp, record.created) end
local ended = 0
if record and record.created <= stamp then
  revoke(id, record, 'deleted')
  ended = 1
end
mark(id_mark(id), stamp)
return settle('ok', '', ended)
