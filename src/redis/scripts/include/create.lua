-- See create-8.lua.
--- @include "attempt"
--- @include "index"
--- @include "mark"
--- @include "family"

changes.create = function()
  local id, owner, custom = ARGV[8], ARGV[9], ARGV[12] == '1'

  local reply = begin(false, KEYS[6])
  if reply then return reply end

  local expires = end_of_life(ARGV[11])
  if expires <= now_ms then
    if queued then return settle('expired') end
    expires = now_ms + tonumber(ARGV[11]) -- a life as short as the way to Redis begins here
  end

  local by_id, by_owner = marked(id_mark(id), owner_mark(owner))
  local newest = math.max(tonumber(ask_once('GET', KEYS[5]) or 0), by_id, by_owner)
  if issued <= newest or (not custom and by_id > 0) then return settle('revoked') end

  -- A sender's clock may be ahead: what was issued after a revocation was created after it.
  local created = math.max(math.min(issued, now), newest + 1)
  -- First, so that it is refused where memory is full: after a script has freed some, Redis lets it grow.
  local text = write_new(id, {
    owner_json = ARGV[10], version = 1, created = created, expires = expires, refreshed = 0, attributes = ARGV[13],
    tail = ARGV[14],
  })
  if text then
    local live = parse(text)
    -- A generated token that exists is this create, sent again; so is a custom one of the very same moment.
    if live and live.owner == owner and (not custom or live.created == created) then
      return settle('ok', text, live.version, live.created, live.expires)
    end
    return settle(marker(text) and 'revoked' or 'exists')
  end

  local is_new_scope, had_life = index(id, owner, expires)
  if is_new_scope then redis.call('SADD', KEYS[8], scope) end
  if had_life then publish('token-expired', id, ARGV[10]) end -- one that was over, and that nobody has met
  clear_overdue(2)
  publish('token-created', id, ARGV[10], 1)
  return settle('ok', '', 1, created, expires)
end
