#!lua flags=allow-oom
-- Purpose: one step of ending the overdue tokens of a scope; a scope that has no index left is forgotten.
-- Input:
--   KEYS[1] scope index  [2] log  [3] scopes
--   ARGV[1] app  [2] type  [3] ''
--   ARGV[4] how many at most
-- Output: how many were met
--- @include "index"

local met = clear_overdue(tonumber(ARGV[4]))
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[3], scope) end
return met
