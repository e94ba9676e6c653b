-- Which record a change is meant for.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"

-- The live record that the command was issued for, or nil. One that a revocation in steps has not come to ends here, and
-- so does the family of a token that was rotated. Then the marker of one whose rotation may be repeated, and the id of
-- what was ended.
local function meant(id)
  local text = redis.call('GET', record_key(id))
  local record = parse(text)
  if not record then
    local rotated = marker(text)
    if not rotated then return nil end
    if is_reuse(rotated) then return nil, nil, reuse(id, rotated) end
    return nil, rotated
  end
  if is_later(record) then return nil end
  local reason = revocation_of(id, record)
  if not reason then return record end
  revoke(id, record, reason)
  return nil
end

-- The answer to a command that found nothing; what its coming has ended stands behind the numbers.
local function settle_none(ended)
  local reply = settle('none')
  if ended then reply[#reply + 1] = ended end
  return reply
end
