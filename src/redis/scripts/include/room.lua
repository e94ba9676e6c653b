-- How many tokens an owner may have: whether there is room for one more, and what has to end for it.
-- KEYS[3] revoked  [5] floor  [6] record of the new token  [7] owner index. ARGV[8] its ids.
--- @include "index"
--- @include "mark"
--- @include "revoked"

-- Members that are looked at, where the limit seems reached: some milliseconds, however large their data.
local LOOKED_AT = 2000

local function oldest_first(a, b)
  if a.record.created ~= b.record.created then return a.record.created < b.record.created end
  return a.id < b.id
end

-- What has to end so that the owner has one token fewer than `max`; changes nothing. nil where there is room, or where the
-- token is there already. newest: of the marks that concern the new token; younger ones than it can be dead by none,
-- but by one that came late.
local function look_for_room(owner, max, ends_oldest, newest)
  local live_from = digits(now_ms)
  local count = redis.call('ZCOUNT', KEYS[7], live_from, '+inf')
  if count < max or first_found(ARGV[8]) then return nil end

  -- An index may tell of what is no longer there, or is dead by a mark.
  local ids = redis.call('ZRANGE', KEYS[7], live_from, '+inf', 'BYSCORE', 'LIMIT', 0, LOOKED_AT)
  local room = { gone = {}, revoked = {}, oldest = {} }
  if ask_once('EXISTS', late_marks()) == 1 then newest = math.huge end
  local live = {}
  for _, id in ipairs(ids) do
    if #live >= max and not ends_oldest then break end
    local record = read_head(id)
    if not record or record.owner ~= owner then
      room.gone[#room.gone + 1] = id
    else
      local reason = record.created <= newest and revocation_of(id, record)
      local token = { id = id, record = record, reason = reason }
      if reason then room.revoked[#room.revoked + 1] = token else live[#live + 1] = token end
    end
  end

  local unseen = count - #room.gone - #room.revoked - #live
  local excess = #live + unseen - max + 1
  room.enough = excess <= 0 or (ends_oldest and unseen == 0)
  if room.enough and excess > 0 then
    table.sort(live, oldest_first)
    for i = 1, excess do room.oldest[i] = live[i] end
  end
  return room
end

-- Ends what only seemed to live.
local function end_dead(room, owner)
  for _, id in ipairs(room.gone) do expire(id, owner) end
  for _, token in ipairs(room.revoked) do revoke(token.id, token.record, token.reason) end
end

-- Ends the oldest, each as a delete would: no create of it that is still under way brings it back.
local function make_room(room, owner)
  end_dead(room, owner)
  for _, token in ipairs(room.oldest) do
    revoke(token.id, token.record, 'limit')
    local places = places_of(token.id)
    places:add(token.id, token.record)
    places:mark(math.max(now, token.record.created))
  end
end
