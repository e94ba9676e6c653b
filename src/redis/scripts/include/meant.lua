-- Which record a change is meant for.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"

-- A record, where the command was issued for it, or else nil. One that a revocation in steps has not come to ends here.
local function meant_of(id, record)
  if not record or is_later(record) then return nil end
  local reason = revocation_of(id, record)
  if not reason then return record end
  revoke(id, record, reason)
  return nil
end

-- The live record that the command was issued for, or nil: then the marker of a token whose rotation may be repeated, and
-- the id of what was ended, since a token that was rotated is used again.
local function meant(id)
  local text = redis.call('GET', record_key(id))
  local record = parse(text)
  if not record then
    local rotated = marker(text)
    if not rotated then return nil end
    if is_reuse(rotated) then return nil, nil, reuse(id, rotated) end
    return nil, rotated
  end
  return meant_of(id, record)
end

-- The answer to a command that found nothing; what its coming has ended stands behind the numbers.
local function settle_none(ended)
  local reply = settle('none')
  if ended then reply[#reply + 1] = ended end
  return reply
end
