-- See delete-6.lua and deleteById-6.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"
--- @include "revoked"
--- @include "told"

-- owner: whose token it must be, or ''. is_use: whether somebody has presented it, and does not know but its ids.
local function delete(ids, owner, reason, by, is_use)
  local reply = begin(true)
  if reply then return reply end

  local stamp, places = revocation_time(), places_of(ids)
  local is_ended = false
  for id in each_id(ids) do
    local text, place = found(id)
    local record = parse(text)
    local rotated = not record and marker(text)
    if record and owner ~= '' and record.owner ~= owner then record = nil end
    -- In process it ends what there is when it runs, whatever the clock of its creator said.
    if record and not queued then stamp = math.max(stamp, record.created) end
    if record then places:add(place, record) end
    if record and record.created <= stamp then
      revoke(place, record, told(reason, 'deleted'), told(by))
      is_ended = true
    end
    if rotated and is_use and is_reuse(rotated) then
      reuse(place, rotated)
    elseif rotated and (owner == '' or rotated.owner_json == json_string(owner)) then
      -- Whoever ends a token that was rotated meanwhile means what has become of it.
      is_ended = end_family(rotated.family, told(reason, 'deleted'), queued and stamp, told(by)) or is_ended
    end
  end
  -- For one owner's token alone it must not be in the way of another owner's.
  places:mark(stamp, owner ~= '' and owner or nil)
  return settle('ok', '', is_ended and 1 or 0)
end

changes.delete = function() return delete(ARGV[8], '', ARGV[9], ARGV[10], true) end
changes.deleteById = function() return delete(ARGV[8], ARGV[9], ARGV[10], ARGV[11], false) end
