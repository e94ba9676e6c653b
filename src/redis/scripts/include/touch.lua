-- See touch-5.lua.
--- @include "meant"
--- @include "prolong"

changes.touch = function()

  local reply = begin(false)
  if reply then return reply end

  -- A use that was answered, and is told late, is no use of a token that was rotated meanwhile, nor of a later one. What
  -- is revoked, whoever revokes it ends.
  local text, id = found(ARGV[8])
  local record = parse(text)
  local idle = record and idle_ms(record)
  if not idle or is_later(record) or revocation_of(id, record) then return settle('none') end
  if record.expires < now_ms then return settle('none') end -- its key may have outlived it

  local used = floor(math.min(issued, now) / 1000)
  local last = tonumber(attribute(record, 'lastUsedAt'))
  if last and used - last < tonumber(ARGV[9]) then return settle('none') end

  set_number(record, 'lastUsedAt', used)
  begin_idle(record)
  write(id, record)
  outlive(record)
  index(id, record.owner, record.expires)
  return settle('ok')
end
