-- See consume-6.lua.
--- @include "meant"
--- @include "revoked"
--- @include "told"

changes.consume = function()
  local ids = ARGV[8]
  -- What is answered again, although the record has gone.
  local kept, kept_place = command_id .. ':record', command_id .. ':id'

  local reply = begin(false)
  if reply then
    if reply[1] ~= 'ok' then return reply end
    reply[3] = redis.call('HGET', KEYS[4], kept) or ''
    return at_place(reply, redis.call('HGET', KEYS[4], kept_place) or sub(ids, 1, ID_LENGTH), ids)
  end

  local places, consumed, place = places_of(ids), nil, nil
  for id in each_id(ids) do
    local text, at = found(id)
    local record = meant_at(at, text)
    if record then
      revoke(at, record, told(ARGV[9], 'consumed'), told(ARGV[10]))
      places:add(at, record)
      if not consumed then consumed, place = record, at end
    end
  end
  if not consumed then return settle('none') end
  local text = encode(consumed)
  places:mark(math.max(revocation_time(), consumed.created))
  if queued then
    decide(KEYS[4], kept, text)
    if place ~= sub(ids, 1, ID_LENGTH) then decide(KEYS[4], kept_place, place) end
  end
  return at_place(settle('ok', text, consumed.version, consumed.created), place, ids)
end
