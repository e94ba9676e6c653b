-- The two indexes of a token: its owner's and its scope's, both by expiry.
--- @include "scope"
--- @include "event"
--- @include "record"

local INDEX_GRACE = 86400000 -- an index outlives its latest member by a day, so that the sweep can tell of it
local INDEX_SLACK = 60000 -- and by up to a minute more, so that not each token of a busy scope raises it

-- When each index goes that this script has added to.
local goes = {}

-- Adds or moves a member, and raises the index's own expiry. Whether the index is new, and whether the member was there.
local function add_member(key, member, expires)
  local until_now = goes[key] or redis.call('PEXPIRETIME', key)
  local was_there = redis.call('ZADD', key, digits(expires), member) == 0
  if until_now < expires + INDEX_GRACE then
    goes[key] = expires + INDEX_GRACE + INDEX_SLACK
    redis.call('PEXPIREAT', key, digits(goes[key]))
  else
    goes[key] = until_now
  end
  return until_now == -2, was_there
end

-- Whether the scope's index is new, and whether the owner's held the token before.
local function index(id, owner, expires)
  local _, was_there = add_member(owner_key(owner), id, expires)
  local is_new = add_member(KEYS[1], id .. ':' .. owner, expires)
  return is_new, was_there
end

local function remove_member(key, member)
  redis.call('ZREM', key, member)
  goes[key] = nil -- it may have been the last one
end

local function unindex(id, owner)
  remove_member(owner_key(owner), id)
  remove_member(KEYS[1], id .. ':' .. owner)
end

-- Ends a live token. Frees before it grows, so that it works when memory is full.
local function revoke(id, record, reason, by)
  redis.call('DEL', record_key(id))
  unindex(id, record.owner)
  ended_ids[#ended_ids + 1] = id
  publish('token-revoked', id, record.owner_json, record.version, reason, by)
end

-- Ends many live tokens of an owner, each { id, record }, by one command of each kind.
local function revoke_all(tokens, owner, reason, by)
  if #tokens == 0 then return end
  local keys, ids, members = {}, {}, {}
  for i, token in ipairs(tokens) do
    keys[i], ids[i], members[i] = record_key(token.id), token.id, token.id .. ':' .. owner
  end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', owner_key(owner), unpack(ids))
  redis.call('ZREM', KEYS[1], unpack(members))
  goes = {} -- they may have been the last ones
  for _, token in ipairs(tokens) do
    publish('token-revoked', token.id, token.record.owner_json, token.record.version, reason, by)
  end
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

-- Indexes of scopes in which this script has left nothing that is overdue.
local cleared = {}

-- Ends at most `limit` overdue members of the scope; answers how many it met.
local function clear_overdue(limit)
  if cleared[KEYS[1]] then return 0 end
  local overdue = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. digits(now_ms), 'BYSCORE', 'LIMIT', 0, limit)
  for _, member in ipairs(overdue) do end_overdue(sub(member, 1, 22), sub(member, 24)) end
  cleared[KEYS[1]] = #overdue < limit
  return #overdue
end

-- As Redis orders members of one score: byte by byte, which `<` does not where the server's locale has another order.
local function is_before(member, other)
  for i = 1, math.min(#member, #other) do
    local one, two = string.byte(member, i), string.byte(other, i)
    if one ~= two then return one < two end
  end
  return #member < #other
end

-- The rank of the first member behind a place, which need not be a member itself. Ascending, or else descending. Nothing
-- is written: a list may be asked for by who may only read.
local function rank_behind(ascending, key, expires, id)
  if id == '' then return 0 end
  local rank = redis.call('ZCOUNT', key, ascending and '-inf' or '(' .. expires, ascending and '(' .. expires or '+inf')
  local ends = rank + redis.call('ZCOUNT', key, expires, expires)
  while rank < ends do
    local middle = floor((rank + ends) / 2)
    local member = redis.call('ZRANGE', key, ascending and middle or -middle - 1, ascending and middle or -middle - 1)[1]
    local is_behind
    if ascending then is_behind = is_before(id, member) else is_behind = is_before(member, id) end
    if is_behind then ends = middle else rank = middle + 1 end
  end
  return rank
end
