-- The two indexes of a token: its owner's and its scope's, both by expiry.
--- @include "scope"
--- @include "event"
--- @include "record"

local INDEX_GRACE = 86400000 -- an index outlives its latest member by a day, so that the sweep can tell of it
local INDEX_SLACK = 60000 -- and by up to a minute more, so that not each token of a busy scope raises it

-- Adds or moves a member, and raises the index's own expiry. True where the index is new.
local function add_member(key, member, expires)
  local until_now = redis.call('PEXPIRETIME', key)
  redis.call('ZADD', key, digits(expires), member)
  if until_now < expires + INDEX_GRACE then
    redis.call('PEXPIREAT', key, digits(expires + INDEX_GRACE + INDEX_SLACK))
  end
  return until_now == -2
end

-- True where the scope's index is new.
local function index(id, owner, expires)
  add_member(owner_key(owner), id, expires)
  return add_member(KEYS[1], id .. ':' .. owner, expires)
end

local function unindex(id, owner)
  redis.call('ZREM', owner_key(owner), id)
  redis.call('ZREM', KEYS[1], id .. ':' .. owner)
end

-- Ends a live token. Frees before it grows, so that it works when memory is full.
local function revoke(id, record, reason)
  redis.call('DEL', record_key(id))
  unindex(id, record.owner)
  publish('token-revoked', id, record.owner_json, record.version, reason)
end

local function expire(id, owner)
  unindex(id, owner)
  publish('token-expired', id, json_string(owner))
end

-- Removes an overdue member and tells of it, unless the owner's record lives on: then the member is put right.
-- A custom token may live again under another owner: then this owner's life of it is over all the same.
local function end_overdue(id, owner)
  local record = read(id)
  if record and record.owner == owner then
    if record.expires >= now_ms then
      index(id, owner, record.expires)
      return false
    end
    redis.call('DEL', record_key(id)) -- its key has outlived it
  end
  expire(id, owner)
  return true
end

-- Ends at most `limit` overdue members of the scope; answers how many it met.
local function clear_overdue(limit)
  local overdue = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. digits(now_ms), 'BYSCORE', 'LIMIT', 0, limit)
  for _, member in ipairs(overdue) do end_overdue(sub(member, 1, 22), sub(member, 24)) end
  return #overdue
end

-- The rank of the first member behind a place, which need not be a member itself. Ascending, or else descending.
local function rank_behind(ascending, key, expires, id)
  if id == '' then return 0 end
  local score = redis.call('ZSCORE', key, id)
  redis.call('ZADD', key, expires, id) -- for a moment, to let Redis find the place by (score, id)
  local rank = redis.call(ascending and 'ZRANK' or 'ZREVRANK', key, id)
  if not score then
    redis.call('ZREM', key, id)
    return rank
  end
  redis.call('ZADD', key, score, id)
  local difference = tonumber(score) - tonumber(expires)
  local stands_before = difference == 0 or (difference < 0) == ascending
  return stands_before and rank + 1 or rank
end
