-- Which record a change is meant for.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"
--- @include "reseal"

-- Of what stands at an id: the live record that the command was issued for, or nil: then the marker of a token whose
-- rotation may be repeated. A record that a revocation in steps has not come to ends here, and so does the family of a
-- token that was rotated.
local function meant_at(id, text)
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

-- The same of a token that is given by its ids, and then the id that it has from now on.
local function meant(ids)
  local text, id = settle_in(ids)
  local record, rotated = meant_at(id, text)
  return record, rotated, id
end
