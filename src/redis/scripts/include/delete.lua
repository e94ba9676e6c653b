-- See delete-6.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"

changes.delete = function()
  local id = ARGV[8]

  local reply = begin(true)
  if reply then return reply end

  local stamp = revocation_time()
  local text = redis.call('GET', record_key(id))
  local record = parse(text)
  local rotated = not record and marker(text)
  -- In process it ends what there is when it runs, whatever the clock of its creator said.
  if record and not queued then stamp = math.max(stamp, record.created) end
  local ended = 0
  if record and record.created <= stamp then
    revoke(id, record, 'deleted')
    ended = 1
  end
  -- Whoever ends a token that was rotated meanwhile means what has become of it.
  local successor
  if rotated and is_reuse(rotated) then
    successor = reuse(id, rotated)
  elseif rotated then
    successor = end_family(rotated.family, 'deleted', queued and stamp)
    ended = successor and 1 or 0
  end
  mark(id_mark(id), stamp)
  local reply = settle('ok', '', ended)
  if successor then reply[#reply + 1] = successor end
  return reply
end
