-- Marks: what was revoked lately, so that a create issued before does not bring it to life.
-- KEYS[3] revoked, KEYS[5] floor (only where a mark is made or a create is checked). ARGV[7] maxCommandAge.
--- @include "scope"

local MARKS = 100000
local MARK_GRACE = 60000000 -- microseconds that a mark outlives the last command it can meet

local function id_mark(id)
  return 'id:' .. scope .. ':' .. id -- an id counts only in the scope that it was made in
end

local function owner_mark(owner)
  return 'owner:' .. scope .. ':' .. segment(owner)
end

-- When it was last revoked; 0 where there is no mark.
local function marked(member)
  return tonumber(redis.call('ZSCORE', KEYS[3], member) or 0)
end

-- The newest of some marks, and of those that the cap has pushed out.
local function newest_mark(...)
  local newest = tonumber(redis.call('GET', KEYS[5]) or 0)
  for _, member in ipairs({ ... }) do newest = math.max(newest, marked(member)) end
  return newest
end

-- Never lowers a mark. The oldest beyond the cap raise the floor: creates no younger than it are refused instead.
local function mark(member, stamp)
  local life = tonumber(ARGV[7]) + MARK_GRACE
  local life_ms = digits(life / 1000 + 60000)
  redis.call('ZADD', KEYS[3], 'GT', digits(stamp), member)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. digits(now - life))
  redis.call('PEXPIRE', KEYS[3], life_ms)
  local excess = redis.call('ZCARD', KEYS[3]) - MARKS
  if excess > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[3], excess)
    local newest_out = tonumber(oldest[#oldest])
    if newest_out > newest_mark() then
      redis.call('SET', KEYS[5], digits(newest_out), 'PX', life_ms)
    end
  end
end

-- Why a record is dead although it is still there: created no later than a mark of its id or its owner.
local function revocation_of(id, record)
  if marked(id_mark(id)) >= record.created then return 'deleted' end
  if marked(owner_mark(record.owner)) >= record.created then return 'deleted-all' end
  return nil
end
