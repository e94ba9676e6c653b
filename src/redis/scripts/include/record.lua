-- Records: `[app,type,owner,version,createdAt,expiresAt,refreshedAt,{…},k1,json1,…]`. Values are never decoded. What a
-- token has besides its data stands in braces, where it has any: numbers, and texts that hold no `"`, `,` or `}`.
--- @include "scope"

-- How a record of this scope begins: the same text that JSON.stringify made when it was created.
local function head()
  return '[' .. app_json .. ',' .. type_json .. ','
end

-- The text or number of one of what a token has besides its data, as text; nil where there is none of that name.
local function attribute(record, name)
  if record.attributes == '' then return nil end
  return string.match(record.attributes, '"' .. name .. '":"?([^",}]+)')
end

local LARGEST = 9007199254740991 -- that a double tells from its neighbours
local RECKONED = { 'idle', 'absoluteExpiresAt', 'lastUsedAt', 'spared' }

local function is_number(number)
  return number ~= nil and number >= 0 and number <= LARGEST -- which NaN is not
end

-- Whether all that scripts reckon with are numbers: one that is none would end a script amid its changes, and with it
-- those of other tokens.
local function is_reckonable(record)
  if not (is_number(record.version) and is_number(record.created) and is_number(record.expires)
    and is_number(record.refreshed)) then return false end
  if record.expires == 0 then return false end -- Redis takes no such end
  if record.attributes == '' then return true end
  for _, name in ipairs(RECKONED) do
    local value = attribute(record, name)
    if value and not is_number(tonumber(value)) then return false end
  end
  return not attribute(record, 'idle') or attribute(record, 'absoluteExpiresAt') ~= nil
end

-- The record as a table, or nil where there is none in this scope, or none that can be read.
local function parse(text)
  local head = head()
  if not text or sub(text, 1, #head) ~= head then return nil end
  bytes_read = bytes_read + #text
  local from = #head + 1
  local to = find(text, '["\\]', from + 1)
  while to and sub(text, to, to) ~= '"' do to = find(text, '["\\]', to + 2) end
  if not to then return nil end
  local version, created, expires, refreshed, tail =
    string.match(text, '^,(%d+),(%d+),(%d+),(%d+)([,%]].*)$', to + 1)
  local attributes = ''
  if tail and sub(tail, 1, 2) == ',{' then attributes, tail = string.match(tail, '^(,{[^}]*})(.*)$') end
  local readable, owner = pcall(cjson.decode, '[' .. sub(text, from, to) .. ']')
  if not tail or not readable then return nil end
  local record = {
    owner = owner[1],
    owner_json = sub(text, from, to),
    version = tonumber(version),
    created = tonumber(created), -- microseconds
    expires = tonumber(expires), -- milliseconds
    refreshed = tonumber(refreshed), -- microseconds
    attributes = attributes, -- `,{…}`, or nothing
    tail = tail, -- the data: `,"k1","json1",…]`
  }
  return is_reckonable(record) and record or nil
end

-- Sets one among it, given as JSON; others keep their text and place.
local function set_attribute(record, name, json)
  local attributes = record.attributes
  local value = '"' .. name .. '":' .. json
  local from, to = find(attributes, '"' .. name .. '":[^,}]+')
  if from then
    record.attributes = sub(attributes, 1, from - 1) .. value .. sub(attributes, to + 1)
  elseif attributes == '' then
    record.attributes = ',{' .. value .. '}'
  else
    record.attributes = sub(attributes, 1, -2) .. ',' .. value .. '}'
  end
end

local function set_number(record, name, number)
  set_attribute(record, name, digits(number))
end

-- Leaves one out.
local function drop_attribute(record, name)
  local left = string.gsub(record.attributes, ',"' .. name .. '":[^,}]+', '')
  left = string.gsub(left, '^,{"' .. name .. '":[^,}]+,?', ',{') -- where it is the first among it
  record.attributes = left == ',{}' and '' or left
end

-- Milliseconds without use after which a token dies, or nil where use does not count.
local function idle_ms(record)
  local seconds = attribute(record, 'idle')
  return seconds and math.max(1, floor(tonumber(seconds) * 1000 + 0.5))
end

local function read(id)
  return parse(redis.call('GET', record_key(id)))
end

local HEADS = { 512, 8192 } -- bytes, in which nearly every record, and then each, has all but its data

-- A record whose data may be cut off: for whoever looks at many, and writes none.
local function read_head(id)
  for _, length in ipairs(HEADS) do
    local text = redis.call('GETRANGE', record_key(id), 0, length - 1)
    local record = parse(text)
    if #text < length or (record and #record.tail > 1) then return record end
  end
  return nil
end

local function encode(record)
  return head() .. record.owner_json .. ',' .. digits(record.version) .. ',' .. digits(record.created) .. ','
    .. digits(record.expires) .. ',' .. digits(record.refreshed) .. record.attributes .. record.tail
end

-- Writes a record where there is none; else answers the text of the one that is there.
local function write_new(id, record)
  if memory_full then error(memory_full) end
  return redis.call('SET', record_key(id), encode(record), 'NX', 'GET', 'PXAT', digits(record.expires))
end

-- Writes the record: the value and its life in one command.
local function write(id, record)
  if memory_full then error(memory_full) end
  local text = encode(record)
  redis.call('SET', record_key(id), text, 'PXAT', digits(record.expires))
  return text
end
