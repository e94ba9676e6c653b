-- Moves a token that lies under an older pepper's id to the id under the newest: both indexes, its family, and the event in
-- one step with the record, whose life, data and version stay.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"
--- @include "moved"

local FORMERS = 4 -- ids that a record remembers
local SETTLED = 60000 -- milliseconds before it is moved back: while a pepper is rolled out, doors differ in which is newest

-- A signpost outlives whatever may still come for the id, as a mark does.
local function put_signpost(id, to, expires)
  local ends = math.max(expires, now_ms + floor((tonumber(ARGV[7]) + MARK_GRACE) / 1000))
  redis.call('SET', record_key(id), '[0,' .. app_json .. ',' .. type_json .. ',"' .. to .. '",' .. digits(now_ms) .. ']',
    'PXAT', digits(ends))
end

-- The text of the record at its new place, under the first of these ids; false where it turns out to be dead, nil where
-- it stays.
local function move(from, ids, record)
  local to = sub(ids, 1, ID_LENGTH)
  local _, since = signpost(redis.call('GET', record_key(to)))
  if since and now_ms - since < SETTLED then return nil end
  -- Who has revoked it by any id that it may have has meant this token; so has who is just revoking many in steps.
  for id in each_id(ids) do
    local reason = revocation_of(id, record)
    if reason then
      revoke(from, record, reason)
      return false
    end
  end

  local former, count = from, 1
  for id in formers(record) do
    if id ~= to and count < FORMERS then former, count = former .. ' ' .. id, count + 1 end
  end
  set_attribute(record, 'former', '"' .. former .. '"')
  local text = write(to, record) -- first, so that it is refused where memory is full
  for id in each_id(former) do put_signpost(id, to, record.expires) end

  local family = attribute(record, 'family')
  if family and redis.call('ZREM', family_key(family), from) == 1 then
    redis.call('ZADD', family_key(family), 'inf', to)
  end
  unindex(from, record.owner)
  local _, had_life = index(to, record.owner, record.expires)
  if had_life then publish('token-expired', to, record.owner_json) end
  ended_ids[#ended_ids + 1] = from -- under this id it is no more
  publish('token-resealed', from, record.owner_json, record.version, nil, nil, to)
  return text
end

-- What stands where the token lies, and the id of that place, once it lies under the newest id. What was rotated stays, and
-- so does what lies under none of these ids: whoever moved it there knows a newer pepper.
local function settle_in(ids)
  local text, place = first_found(ids)
  if #ids == ID_LENGTH or not text or place == sub(ids, 1, ID_LENGTH) then return text, place end
  local record = find(ids, place, 1, true) and parse(text)
  if not record then return text, place end
  local moved = move(place, ids, record)
  if moved == nil then return text, place end
  return moved, sub(ids, 1, ID_LENGTH)
end

changes.reseal = function()
  local reply = begin(false)
  if reply then return reply end
  local text, place = settle_in(ARGV[8])
  return at_place(answer(text and 'ok' or 'none', text), place, ARGV[8])
end
