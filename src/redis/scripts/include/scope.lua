-- Names and time that every script needs.
-- KEYS[1] scope index, KEYS[2] log. ARGV[1] app, ARGV[2] type (both as JSON text), ARGV[3] commandId or ''.

local floor, format, sub, find = math.floor, string.format, string.sub, string.find

local app_json, type_json, command_id
local tag, prefix, shard, scope
local entered -- the scope index that they follow from
local ended_ids -- ids of single tokens that were revoked, of which whoever keeps copies is told

-- Takes the names that follow from KEYS and ARGV: for a script, or for each of several that are run as one.
local function enter()
  app_json, type_json, command_id = ARGV[1], ARGV[2], ARGV[3]
  ended_ids = {}
  if KEYS[1] == entered then return end
  entered = KEYS[1]
  -- A scope index is `{prefix:shard}:s:<app>:<type>`: all other names of the shard follow from it.
  tag, prefix, shard, scope = string.match(KEYS[1], '^({(.-):(%d+)}:)s:(.*)$')
end
enter()

-- Why nothing may grow, where a script asks for that first: once it has freed some, Redis lets it grow.
local memory_full

-- Of records, by this script.
local bytes_read = 0

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) -- microseconds, exact in a double
local now_ms = floor(now / 1000)

-- Answers to questions that are asked once although many changes are made: nobody else makes any meanwhile.
local answers = {}

-- For what hardly a script changes that asks like this.
local function ask_once(command, key)
  local of_command = answers[command]
  if not of_command then
    of_command = {}
    answers[command] = of_command
  end
  local answer = of_command[key]
  if answer == nil then
    answer = redis.call(command, key)
    of_command[key] = answer
  end
  return answer
end

-- For the script that changes it all the same.
local function ask_again(command, key)
  if answers[command] then answers[command][key] = nil end
end

-- tostring() keeps 14 digits only. '%d' is far quicker than '%.0f', where C's long holds 64 bits.
local DIGITS = format('%d', 4503599627370496) == '4503599627370496' and '%d' or '%.0f'
local function digits(number)
  return format(DIGITS, number)
end

local ESCAPES = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\t'] = '\\t', ['\n'] = '\\n', ['\f'] = '\\f', ['\r'] = '\\r' }

-- The JSON text of a string, byte for byte as JSON.stringify writes it.
local function json_string(text)
  return '"' .. string.gsub(text, '[%z\1-\31"\\]', function(char)
    return ESCAPES[char] or format('\\u%04x', string.byte(char))
  end) .. '"'
end

-- A name as a segment of a key: percent-encoded like encodeURIComponent does, `*` too.
local function segment(text)
  return (string.gsub(text, "[^%w%-_.!~'()]", function(char)
    return format('%%%02X', string.byte(char))
  end))
end

local function record_key(id)
  return tag .. 't:' .. id
end

local function owner_key(owner)
  return tag .. 'o:' .. scope .. ':' .. segment(owner)
end
