-- Purpose: changes of one shard that were asked for in one tick, each as its own script makes it.
-- Input and output: see include/together.lua
--- @include "together"
--- @include "create"
--- @include "update"
--- @include "refresh"
--- @include "rotate"

return make_all()
