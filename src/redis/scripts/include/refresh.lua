-- See refresh-5.lua.
--- @include "meant"
--- @include "prolong"

changes.refresh = function()
  local ids = ARGV[8]

  local reply = begin(false, ids)
  if reply then return reply end

  local record, _, id = meant(ids)
  if not record then return settle('none') end

  prolong(record, ARGV[9])
  if record.expires <= now_ms then
    redis.call('DEL', record_key(id))
    expire(id, record.owner)
    return settle('none')
  end

  record.version = record.version + 1
  local text = write(id, record)
  outlive(record)
  index(id, record.owner, record.expires)
  publish('token-refreshed', id, record.owner_json, record.version)
  return at_place(settle('ok', text, record.version, record.created), id, ids)
end
