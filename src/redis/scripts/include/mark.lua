-- Marks: what was revoked lately, so that a create issued before does not bring it to life.
-- KEYS[3] revoked, KEYS[5] floor (only where a mark is made or a create is checked). ARGV[7] maxCommandAge.
--- @include "scope"
--- @include "record"

local MARKS = 100000
local MARK_GRACE = 60000000 -- microseconds that a mark outlives the last command it can meet

local function id_mark(id)
  return 'id:' .. scope .. ':' .. id -- an id counts only in the scope that it was made in
end

local function owner_mark(owner)
  return 'owner:' .. scope .. ':' .. segment(owner)
end

-- Of a revocation by id that is for one owner's token alone.
local function id_owner_mark(id, owner)
  return id_mark(id) .. ':' .. segment(owner)
end

local function scope_mark()
  return 'scope:' .. scope
end

local function app_mark()
  return 'app:' .. string.match(scope, '^[^:]*')
end

-- When it was last revoked; 0 where there is no mark.
local function marked(member)
  return tonumber(redis.call('ZSCORE', KEYS[3], member) or 0)
end

-- When a token was last revoked by its id, in whatever way; and by its owner, its scope, its app. 0 for never.
local function revocations_of(id, owner)
  local stamps = redis.call('ZMSCORE', KEYS[3],
    id_mark(id), id_owner_mark(id, owner), owner_mark(owner), scope_mark(), app_mark())
  local by_id = math.max(tonumber(stamps[1] or 0), tonumber(stamps[2] or 0))
  return by_id, tonumber(stamps[3] or 0), tonumber(stamps[4] or 0), tonumber(stamps[5] or 0)
end

-- The newest of the marks that the cap has pushed out.
local function newest_out()
  return tonumber(redis.call('GET', KEYS[5]) or 0)
end

-- Marks of revocations that go on in steps although they are older than marks live: until such a one is done, what it
-- is to end is neither updated nor refreshed out of its way.
local LATE_LIFE = 60000 -- milliseconds: each step begins it anew

local function late_marks()
  return tag .. 'late'
end

-- Of all that an owner had but one token.
local function others_mark(owner)
  return 'others:' .. scope .. ':' .. segment(owner)
end

-- hidden: whether a newer mark of the same stands before it, which some may be spared of.
local function mark_late(member, stamp, hidden)
  if not hidden and stamp >= now - tonumber(ARGV[7]) - MARK_GRACE then return end
  redis.call('ZADD', late_marks(), 'GT', digits(stamp), member)
  redis.call('PEXPIRE', late_marks(), LATE_LIFE)
  -- One that is pushed out meets what was moved out of its way in its next pass.
  local excess = redis.call('ZCARD', late_marks()) - MARKS
  if excess > 0 then redis.call('ZPOPMIN', late_marks(), excess) end
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
    local newest = tonumber(oldest[#oldest])
    if newest > newest_out() then
      redis.call('SET', KEYS[5], digits(newest), 'PX', life_ms)
      ask_again('GET', KEYS[5])
    end
  end
end

-- Why a record is dead although it is still there: created no later than a mark of its id, its owner, scope or app.
local function revocation_of(id, record)
  local by_id, by_owner, by_scope, by_app = revocations_of(id, record.owner)
  if by_id >= record.created then return 'deleted' end
  local of_all = 0 -- what none is spared of
  if ask_once('EXISTS', late_marks()) == 1 then
    local late = redis.call('ZMSCORE', late_marks(),
      owner_mark(record.owner), others_mark(record.owner), scope_mark(), app_mark())
    of_all = tonumber(late[1] or 0)
    by_owner = math.max(by_owner, tonumber(late[2] or 0))
    by_scope = math.max(by_scope, tonumber(late[3] or 0))
    by_app = math.max(by_app, tonumber(late[4] or 0))
  end
  if of_all >= record.created then return 'deleted-all' end
  if by_owner >= record.created and by_owner > tonumber(attribute(record, 'spared') or 0) then return 'deleted-all' end
  if by_scope >= record.created then return 'deleted-scope' end
  if by_app >= record.created then return 'deleted-app' end
  return nil
end
