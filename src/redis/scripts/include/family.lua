-- Families: a token and its successors by rotation, of which at most one lives. A rotated token leaves a marker in the
-- place of its record, `[0,app,type,owner,version,family,successor,graceEnds]` (microseconds): no record begins so, and
-- whoever reads records finds none. The family is a zset, by when each was rotated; its living member stands last.
--- @include "attempt"
--- @include "index"
--- @include "moved"

local REUSED = 'reused' -- a member that says that it was told

local function family_key(family)
  return tag .. 'f:' .. family
end

-- What the successor's secret follows from, with the rotated token: there while a rotation may be repeated.
local function nonce_key(id)
  return tag .. 'nonce:' .. id
end

-- The marker as a table, or nil where there is none in this scope, or none that can be read.
local function marker(text)
  local head = '[0,' .. app_json .. ',' .. type_json .. ','
  if not text or sub(text, 1, #head) ~= head then return nil end
  local owner, version, family, successor, ends =
    string.match(text, '^(.*),(%d+),"([%w_-]+)","([%w_-]+)",(%d+)%]$', #head + 1)
  if not owner then return nil end
  return {
    owner_json = owner, version = tonumber(version), family = family, successor = successor, ends = tonumber(ends),
  }
end

-- Ends what lives of a family, unless it began after the time that is given, or is a later life of its id that belongs to
-- none or another. Whether it did. by may be nil
local function end_family(family, reason, stamp, by)
  local live = redis.call('ZRANGE', family_key(family), -1, -1)[1]
  local record = live and live ~= REUSED and read(live)
  if not record or attribute(record, 'family') ~= family or (stamp and record.created > stamp) then return false end
  revoke(live, record, reason, by)
  return true
end

-- Whether a command uses a rotated token again: what was issued before the grace was over is none of it, however late
-- it comes.
local function is_reuse(rotated)
  return math.min(issued, now) > rotated.ends
end

-- A rotated token is used again: its family ends, and that is told once.
local function reuse(id, rotated)
  local key = family_key(rotated.family)
  end_family(rotated.family, 'reused')
  if redis.call('EXISTS', key) == 1 and redis.call('ZADD', key, 'NX', 0, REUSED) == 1 then
    publish('token-reused', id, rotated.owner_json, rotated.version)
  end
end

local KEPT = 1000 -- rotated tokens of a family whose use is told: some microseconds each where its life is prolonged
local FAMILY_SLACK = 60000 -- milliseconds that markers outlive the family by at the least

-- Has the markers outlive a member that lives longer than before. Half of its life more, so that not each refresh
-- prolongs all of them.
local function keep_family(key, expires)
  if redis.call('PEXPIRETIME', key) >= expires then return end
  local ends = digits(expires + math.max(FAMILY_SLACK, floor((expires - now_ms) / 2)))
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -2)) do redis.call('PEXPIREAT', record_key(id), ends) end
  redis.call('PEXPIREAT', key, ends)
end

-- Forgets those beyond. What keeps a create from bringing them to life stays for as long as one can arrive.
local function trim_family(key)
  local beyond = redis.call('ZRANGE', key, 0, -KEPT - 2)
  if #beyond == 0 then return end
  redis.call('ZREM', key, unpack(beyond))
  local life = digits(tonumber(ARGV[7]) / 1000 + FAMILY_SLACK)
  for _, id in ipairs(beyond) do redis.call('PEXPIRE', record_key(id), life, 'LT') end
end

-- To be called wherever a record's expiry is set anew: as long as it lives, the use of those before it is noticed, and who
-- knows it by a former id is led on.
local function outlive(record)
  local family = attribute(record, 'family')
  if family then keep_family(family_key(family), record.expires) end
  for id in formers(record) do
    -- Where it was moved from there may be another life by now.
    if signpost(redis.call('GET', record_key(id))) then
      redis.call('PEXPIREAT', record_key(id), digits(record.expires), 'GT')
    end
  end
end
