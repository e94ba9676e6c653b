-- What a revocation of one token leaves its marks on: all ids that the token is known to have.
--- @include "mark"
--- @include "moved"

-- Those that are given: more are added, and marked with them.
local function places_of(ids)
  local places = { ids = {}, known = {} }

  function places:add_id(id)
    if self.known[id] then return end
    self.known[id] = true
    self.ids[#self.ids + 1] = id
  end

  -- Where a record of it was found, and where that was before.
  function places:add(id, record)
    self:add_id(id)
    for former in formers(record) do self:add_id(former) end
  end

  -- owner: whose token alone is meant, or nil.
  function places:mark(stamp, owner)
    for _, id in ipairs(self.ids) do mark(owner and id_owner_mark(id, owner) or id_mark(id), stamp) end
  end

  for id in each_id(ids) do places:add_id(id) end
  return places
end
