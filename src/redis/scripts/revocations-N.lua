#!lua flags=allow-oom
-- Purpose: revocations of one shard that were asked for in one tick, each as its own script makes it.
-- Input and output: see include/together.lua
--- @include "together"
--- @include "delete"
--- @include "consume"

return make_all()
