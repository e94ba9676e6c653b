-- See delete-6.lua and deleteById-6.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "told"

-- owner: whose token it must be, or ''.
local function delete(id, owner, reason, by)
  local reply = begin(true)
  if reply then return reply end

  local stamp = revocation_time()
  local record = read(id)
  if record and owner ~= '' and record.owner ~= owner then record = nil end
  -- In process it ends what there is when it runs, whatever the clock of its creator said.
  if record and not queued then stamp = math.max(stamp, record.created) end
  local ended = 0
  if record and record.created <= stamp then
    revoke(id, record, told(reason, 'deleted'), told(by))
    ended = 1
  end
  -- For one owner's token alone it must not be in the way of another owner's.
  mark(owner == '' and id_mark(id) or id_owner_mark(id, owner), stamp)
  return settle('ok', '', ended)
end

changes.delete = function() return delete(ARGV[8], '', ARGV[9], ARGV[10]) end
changes.deleteById = function() return delete(ARGV[8], ARGV[9], ARGV[10], ARGV[11]) end
