-- Which record a change is meant for.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"

-- The live record that the command was issued for, or nil: then the marker of a token whose rotation may be repeated. A
-- record that a revocation in steps has not come to ends here, and so does the family of a token that was rotated.
local function meant(id)
  local text = redis.call('GET', record_key(id))
  local record = parse(text)
  if not record then
    local rotated = marker(text)
    if not rotated or not is_reuse(rotated) then return nil, rotated end
    reuse(id, rotated)
    return nil
  end
  if is_later(record) then return nil end
  local reason = revocation_of(id, record)
  if not reason then return record end
  revoke(id, record, reason)
  return nil
end
