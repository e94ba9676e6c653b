-- Many changes in their order by one script. What those of a kind have in common is given once.
-- ARGV the number of kinds; of each kind: the change's name, the number of its KEYS, that of its ARGV, how many KEYS and
-- how many ARGV differ among its changes, the places of these, and the ARGV of its first change. Then, of each change,
-- the number of its kind and the ARGV that differ.
-- KEYS of each kind, those of its first change; then, of each change, the KEYS that differ.
-- The reply holds that of each change; { 'error', text } of one that failed, which leaves the others alone. It may hold
-- fewer than were asked for: the others were not begun, since these were as much as a script may do.

local all_keys, all_args = KEYS, ARGV
local KEYS, ARGV -- of the change that is being made

local taken = { keys = 0, args = 0 }

local function key()
  taken.keys = taken.keys + 1
  return all_keys[taken.keys]
end

local function arg()
  taken.args = taken.args + 1
  return all_args[taken.args]
end

local function list(count, take)
  local values = {}
  for i = 1, tonumber(count) do values[i] = take() end
  return values
end

local function read_kind()
  local name, keys, args, varying_keys, varying_args = arg(), arg(), arg(), arg(), arg()
  return {
    name = name,
    varying_keys = list(varying_keys, function() return tonumber(arg()) end),
    varying_args = list(varying_args, function() return tonumber(arg()) end),
    keys = list(keys, key),
    args = list(args, arg),
  }
end

local kinds = list(arg(), read_kind)
KEYS, ARGV = kinds[1].keys, kinds[1].args

--- @include "attempt"

local function make_next()
  local kind = kinds[tonumber(arg())]
  KEYS, ARGV = kind.keys, kind.args
  for _, place in ipairs(kind.varying_keys) do KEYS[place] = key() end
  for _, place in ipairs(kind.varying_args) do ARGV[place] = arg() end
  enter()
  local made, reply = pcall(changes[kind.name])
  if made then return reply end
  local text = reply.err or tostring(reply)
  return { 'error', find(text, '^%u+ ') and text or 'ERR ' .. text }
end

local AT_MOST = 65536 -- bytes of records that are read: some milliseconds, for which nobody else is served

local function make_all()
  local replies = {}
  while taken.args < #all_args and bytes_read < AT_MOST do
    replies[#replies + 1] = make_next()
  end
  return replies
end
