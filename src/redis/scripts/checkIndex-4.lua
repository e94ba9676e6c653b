#!lua flags=allow-oom
-- Purpose: tells what is wrong with an index as a whole, its members apart; repairs it where asked.
-- Input:
--   KEYS[1] scope index  [2] log  [3] scopes  [4] the index: an owner's, or the scope's itself
--   ARGV[1] app  [2] type  [3] ''
--   ARGV[4] '1' to repair
-- Output: what is wrong: kind, key or '', …
--- @include "index"
--- @include "wrong"

local key, repair = KEYS[4], ARGV[4] == '1'

if not is_there(key, 'zset', repair) then return wrong end

local latest = tonumber(redis.call('ZRANGE', key, 0, 0, 'REV', 'WITHSCORES')[2])
local ends = redis.call('PEXPIRETIME', key)
if ends == -1 or ends < latest + INDEX_GRACE then
  tell(ends == -1 and 'index-without-ttl' or 'index-ends-early')
  -- From now on at the least: its members may be long overdue, and the sweep has yet to tell of them.
  if repair then redis.call('PEXPIREAT', key, digits(math.max(latest, now_ms) + INDEX_GRACE)) end
end

if key == KEYS[1] and not (is_there(KEYS[3], 'set', repair) and redis.call('SISMEMBER', KEYS[3], scope) == 1) then
  tell('scope-not-listed')
  if repair then redis.call('SADD', KEYS[3], scope) end
end
return wrong
