-- What a look at one place finds wrong, as `kind, key, kind, key, …`, and whether it is to be repaired.

local wrong = {}

-- key: what it is about, where that is not what was looked at.
local function tell(kind, key)
  wrong[#wrong + 1] = kind
  wrong[#wrong + 1] = key or ''
end

-- Whether there is such a key of its type. One of another type is told and, to repair it, removed.
local function is_there(key, type, repair)
  local actual = redis.call('TYPE', key).ok
  if actual == type then return true end
  if actual == 'none' then return false end
  tell('key-of-other-type', key)
  if repair then redis.call('UNLINK', key) end
  return false
end
