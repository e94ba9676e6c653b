-- See refresh-5.lua.
--- @include "meant"

changes.refresh = function()
  local id = ARGV[8]

  local reply = begin(false, KEYS[5])
  if reply then return reply end

  local record, _, ended = meant(id)
  if not record then return settle_none(ended) end

  local expires = queued and end_of_life(ARGV[9]) or now_ms + tonumber(ARGV[9])
  -- One that waited never shortens what a later one has set.
  if queued and issued < record.refreshed then expires = math.max(expires, record.expires) end
  if expires <= now_ms then
    redis.call('DEL', KEYS[5])
    expire(id, record.owner)
    return settle('none')
  end

  record.version = record.version + 1
  record.expires = expires
  record.refreshed = math.max(issued, record.refreshed)
  local text = write(id, record)
  outlive(record)
  index(id, record.owner, expires)
  publish('token-refreshed', id, record.owner_json, record.version)
  return settle('ok', text, record.version, record.created)
end
