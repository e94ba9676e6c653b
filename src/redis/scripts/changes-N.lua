-- Purpose: changes of one shard that were asked for in one tick, each as its own script makes it.
-- Input and output: see include/together.lua
--- @include "together"
--- @include "create"
--- @include "update"
--- @include "refresh"
--- @include "rotate"
--- @include "reseal"

-- Changes nothing, and is refused where nothing may grow.
local probe = redis.pcall('SETRANGE', tag .. 'none', 0, '')
if type(probe) == 'table' and probe.err then memory_full = probe end

return make_all()
