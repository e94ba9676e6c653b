#!lua flags=allow-oom
-- Purpose: tells what is wrong with an owner's token, or with what the two indexes say of it; repairs it where asked.
--          No life goes beyond the record's own expiry, and what was revoked is not taken back into the indexes but ended.
-- Input:
--   KEYS[1] scope index  [2] log  [3] revoked  [4] scopes  [5] record  [6] owner index
--   ARGV[1] app  [2] type  [3] ''
--   ARGV[4] id  [5] owner  [6] '1' to repair
-- Output: what is wrong: kind, key or '', …
--- @include "index"
--- @include "mark"
--- @include "wrong"

-- A slot that moves to another node takes its records' TTL along, which passes while they are under way.
local moved_ms = 1000

local id, owner, repair = ARGV[4], ARGV[5], ARGV[6] == '1'

-- The owner's record, or nil: also where it can not be read, which is for another look to tell.
local function owners_record()
  if redis.call('TYPE', KEYS[5]).ok ~= 'string' then return nil end
  local record = parse(redis.call('GET', KEYS[5]))
  return record and record.owner == owner and record or nil
end

local function expiry_in(key, member)
  local score = is_there(key, 'zset', repair) and redis.call('ZSCORE', key, member)
  return score and tonumber(score)
end

local record = owners_record()
local by_owner, by_scope = expiry_in(KEYS[6], id), expiry_in(KEYS[1], id .. ':' .. owner)

local function is_due(score)
  return score and score >= now_ms
end

if not record then
  if is_due(by_owner) or is_due(by_scope) then
    tell('member-without-record')
    if repair then expire(id, owner) end
  end
  return wrong
end

local ends = redis.call('PEXPIRETIME', KEYS[5])
if ends == -1 then
  tell('record-without-ttl')
elseif math.abs(ends - record.expires) > moved_ms then
  tell('record-with-other-ttl')
end
if not by_owner then
  tell('not-in-owner-index')
elseif by_owner ~= record.expires then
  tell('other-expiry-in-owner-index')
end
if not by_scope then
  tell('not-in-scope-index')
elseif by_scope ~= record.expires then
  tell('other-expiry-in-scope-index')
end
if #wrong == 0 or not repair then return wrong end

local reason = revocation_of(id, record)
if reason then
  revoke(id, record, reason)
elseif record.expires < now_ms then
  redis.call('DEL', KEYS[5])
  expire(id, owner)
else
  if ends ~= record.expires then redis.call('PEXPIREAT', KEYS[5], digits(record.expires)) end
  index(id, owner, record.expires)
  is_there(KEYS[4], 'set', true)
  redis.call('SADD', KEYS[4], scope)
end
return wrong
