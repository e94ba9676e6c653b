-- Which record a change is meant for.
--- @include "attempt"
--- @include "index"
--- @include "mark"

-- The live record that the command was issued for, or nil. One that a revocation in steps has not come to ends here.
local function meant(id)
  local record = read(id)
  if not record or is_later(record) then return nil end
  local reason = revocation_of(id, record)
  if not reason then return record end
  revoke(id, record, reason)
  return nil
end
