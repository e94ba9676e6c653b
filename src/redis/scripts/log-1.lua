#!lua flags=no-writes
-- Purpose: a part of a shard's log, and where it stands in the whole: read in one step, so that the two fit.
-- Input:  KEYS[1] log; ARGV[1] the place to read from, ARGV[2] how many entries at most
-- Output: { '1' where entries were ever trimmed, last id, first id or '', '1' where the place is an entry,
--           entries behind the place }; or nothing where there is no log

if redis.call('EXISTS', KEYS[1]) == 0 then return {} end

local info = redis.call('XINFO', 'STREAM', KEYS[1])
local facts = {}
for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
local first = facts['first-entry']
return {
  facts['entries-added'] > facts['length'] and '1' or '0',
  facts['last-generated-id'],
  first and first[1] or '',
  tostring(#redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])),
  redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2]),
}
