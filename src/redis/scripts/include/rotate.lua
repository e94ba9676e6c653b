-- See rotate-6.lua.
--- @include "meant"
--- @include "prolong"

local OWN, OTHER = 1, 2 -- whether the successor is that of this command, or of one before it

-- The reply that names the successor of the token at an id, and the nonce that it follows from; none where either has gone.
local function with_successor(reply, id, rotated)
  local successor, nonce
  if reply[6] == OWN then
    successor, nonce = ARGV[9], ARGV[10]
  else
    successor, nonce = rotated and rotated.successor, redis.call('GET', nonce_key(id))
  end
  if not successor or not nonce then return answer('none') end
  local text
  text, successor = found(successor)
  reply[3], reply[8], reply[9] = text or '', successor, nonce
  return reply
end

-- The same successor again, unless it is dead by now.
local function repeated(id, rotated)
  local text, successor = found(rotated.successor)
  local record = parse(text)
  if not record or redis.call('EXISTS', nonce_key(id)) == 0 then return settle('none') end
  local reason = revocation_of(successor, record)
  if reason then
    revoke(successor, record, reason)
    return settle('none')
  end
  return with_successor(settle('ok', '', record.version, record.created, OTHER), id, rotated)
end

changes.rotate = function()
  local successor, nonce, grace = ARGV[9], ARGV[10], tonumber(ARGV[12])

  local reply = begin(false)
  if reply then
    if reply[1] ~= 'ok' then return reply end
    reply[6] = tonumber(reply[6])
    local text, place = first_found(ARGV[8])
    return with_successor(reply, place, marker(text))
  end

  local record, rotated, id = meant(ARGV[8])
  if rotated then return repeated(id, rotated) end
  if not record then return settle('none') end
  -- Who has revoked the successor before it was there has meant this token.
  local reason = revocation_of(successor, record)
  if reason then
    revoke(id, record, reason)
    return settle('none')
  end

  if ARGV[11] ~= '' then prolong(record, ARGV[11]) else begin_idle(record) end
  local expires = record.expires
  if expires <= now_ms then
    redis.call('DEL', record_key(id))
    expire(id, record.owner)
    return settle('none')
  end

  -- It keeps when the family began, by which revocations go: none that was issued before the rotation spares it.
  local family = attribute(record, 'family') or id
  record.version = record.version + 1
  set_attribute(record, 'family', '"' .. family .. '"')
  set_number(record, 'rotated', now_ms)
  if attribute(record, 'hint') then set_attribute(record, 'hint', '"' .. ARGV[13] .. '"') end
  drop_attribute(record, 'lastUsedAt') -- nobody has used the successor yet
  local former = attribute(record, 'former') or '' -- of another secret than the successor's
  drop_attribute(record, 'former')
  -- First, so that it is refused where memory is full.
  if write_new(successor, record) then return settle('exists') end

  local key = family_key(family)
  redis.call('ZADD', key, digits(now_ms), id, 'inf', successor)
  for each in each_id(former) do redis.call('ZADD', key, digits(now_ms), each) end -- their signposts lead to the marker
  trim_family(key)
  redis.call('SET', record_key(id), '[0,' .. app_json .. ',' .. type_json .. ',' .. record.owner_json .. ','
    .. digits(record.version - 1) .. ',"' .. family .. '","' .. successor .. '",' .. digits(now + grace * 1000) .. ']')
  keep_family(key, expires)
  redis.call('PEXPIREAT', record_key(id), digits(redis.call('PEXPIRETIME', key)))
  if grace > 0 then redis.call('SET', nonce_key(id), nonce, 'PX', digits(grace)) end
  unindex(id, record.owner)
  ended_ids[#ended_ids + 1] = id -- whoever rotates it may know it by a former id alone
  local _, had_life = index(successor, record.owner, expires)
  if had_life then publish('token-expired', successor, record.owner_json) end
  publish('token-rotated', id, record.owner_json, record.version, nil, nil, successor)
  return with_successor(settle('ok', '', record.version, record.created, OWN), id)
end
