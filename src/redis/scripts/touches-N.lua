#!lua flags=allow-oom
-- Purpose: uses of tokens of one shard that were found in one tick, each as its own script writes it down.
-- Input and output: see include/together.lua
--- @include "together"
--- @include "touch"

return make_all()
