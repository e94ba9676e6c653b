-- See refresh-5.lua.
--- @include "meant"
--- @include "prolong"

changes.refresh = function()
  local id = ARGV[8]

  local reply = begin(false, KEYS[5])
  if reply then return reply end

  local record = meant(id)
  if not record then return settle('none') end

  prolong(record, ARGV[9])
  if record.expires <= now_ms then
    redis.call('DEL', KEYS[5])
    expire(id, record.owner)
    return settle('none')
  end

  record.version = record.version + 1
  local text = write(id, record)
  outlive(record)
  index(id, record.owner, record.expires)
  publish('token-refreshed', id, record.owner_json, record.version)
  return settle('ok', text, record.version, record.created)
end
