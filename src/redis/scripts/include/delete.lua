-- See delete-6.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"

changes.delete = function()
  local id = ARGV[8]

  local reply = begin(true)
  if reply then return reply end

  local stamp = revocation_time()
  local record = read(id)
  -- In process it ends what there is when it runs, whatever the clock of its creator said.
  if record and not queued then stamp = math.max(stamp, record.created) end
  local ended = 0
  if record and record.created <= stamp then
    revoke(id, record, 'deleted')
    ended = 1
  end
  mark(id_mark(id), stamp)
  return settle('ok', '', ended)
end
