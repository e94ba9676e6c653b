-- See consume-6.lua.
--- @include "meant"
--- @include "told"

changes.consume = function()
  local id = ARGV[8]
  local kept = command_id .. ':record' -- what is answered again, although the record has gone

  local reply = begin(false)
  if reply then
    if reply[1] == 'ok' then reply[3] = redis.call('HGET', KEYS[4], kept) or '' end
    return reply
  end

  local record = meant(id)
  if not record then return settle('none') end
  local text = encode(record)
  revoke(id, record, told(ARGV[9], 'consumed'), told(ARGV[10]))
  mark(id_mark(id), math.max(revocation_time(), record.created))
  if queued then decide(KEYS[4], kept, text) end
  return settle('ok', text, record.version, record.created)
end
