-- See create-8.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"
--- @include "room"

changes.create = function()
  local ids, owner, custom = ARGV[8], ARGV[9], ARGV[12] == '1'
  local id = sub(ids, 1, ID_LENGTH)

  local reply = begin(false, ids)
  if reply then return reply end

  -- It dies when its duration is over, or else when it was never used for its idle time.
  local made = { owner_json = ARGV[10], version = 1, refreshed = 0, attributes = ARGV[13], tail = ARGV[14] }
  local duration, idle = tonumber(ARGV[11]), idle_ms(made)
  local life = idle and math.min(duration, idle) or duration
  local expires = end_of_life(life)
  if expires <= now_ms then
    if queued then return settle('expired') end
    expires = now_ms + life -- a life as short as the way to Redis begins here
  end
  made.expires = expires
  if idle then set_number(made, 'absoluteExpiresAt', expires - life + duration) end

  local by_id, by_owner, by_scope, by_app = revocations_of(id, owner)
  for former in each_id(sub(ids, ID_LENGTH + 1)) do by_id = math.max(by_id, (revocations_of(former, owner))) end
  local newest = math.max(tonumber(ask_once('GET', KEYS[5]) or 0), by_id, by_owner, by_scope, by_app)
  if issued <= newest or (not custom and by_id > 0) then return settle('revoked') end

  -- A sender's clock may be ahead: what was issued after a revocation was created after it.
  local created = math.max(math.min(issued, now), newest + 1)
  made.created = created

  local room = ARGV[15] ~= '' and look_for_room(owner, tonumber(ARGV[15]), ARGV[16] == '1', newest)
  if room and not room.enough then
    end_dead(room, owner)
    return settle('limit')
  end

  -- First, so that it is refused where memory is full: after a script has freed some, Redis lets it grow.
  local text, place = false, id
  if #ids > ID_LENGTH then text, place = first_found(ids) end
  if not text then
    text, place = write_new(id, made), id
    if signpost(text) then
      text, place = found(id)
      if not text then write(id, made) end -- it led to a life that is over
    end
  end
  if text then
    local live = parse(text)
    -- A generated token that exists is this create, sent again; so is a custom one of the very same moment.
    if live and live.owner == owner and (not custom or live.created == created) then
      return at_place(settle('ok', text, live.version, live.created, live.expires), place, ids)
    end
    return settle(marker(text) and 'revoked' or 'exists')
  end

  if room then make_room(room, owner) end
  local is_new_scope, had_life = index(id, owner, expires)
  if is_new_scope then redis.call('SADD', KEYS[8], scope) end
  if had_life then publish('token-expired', id, ARGV[10]) end -- one that was over, and that nobody has met
  clear_overdue(2)
  publish('token-created', id, ARGV[10], 1)
  return settle('ok', '', 1, created, expires)
end
