-- Records: `[app,type,owner,version,createdAt,expiresAt,refreshedAt,{…},k1,json1,…]`. Values are never decoded. What a
-- token has besides its data stands in braces, where it has any: numbers, and texts that hold no `"`, `,` or `}`.
--- @include "scope"

-- How a record of this scope begins: the same text that JSON.stringify made when it was created.
local function head()
  return '[' .. app_json .. ',' .. type_json .. ','
end

-- The record as a table, or nil where there is none in this scope.
local function parse(text)
  local head = head()
  if not text or sub(text, 1, #head) ~= head then return nil end
  local from = #head + 1
  local to = from + 1
  while true do
    to = find(text, '["\\]', to)
    if sub(text, to, to) == '"' then break end
    to = to + 2
  end
  local version, created, expires, refreshed, tail =
    string.match(text, '^,(%d+),(%d+),(%d+),(%d+)(.*)$', to + 1)
  local attributes = ''
  if tail and sub(tail, 1, 2) == ',{' then attributes, tail = string.match(tail, '^(,{[^}]*})(.*)$') end
  return {
    owner = cjson.decode('[' .. sub(text, from, to) .. ']')[1],
    owner_json = sub(text, from, to),
    version = tonumber(version),
    created = tonumber(created), -- microseconds
    expires = tonumber(expires), -- milliseconds
    refreshed = tonumber(refreshed), -- microseconds
    attributes = attributes, -- `,{…}`, or nothing
    tail = tail, -- the data: `,"k1","json1",…]`
  }
end

-- The text or number of an attribute, as text; nil where there is none of that name.
local function attribute(record, name)
  local _, to = find(record.attributes, '"' .. name .. '":', 1, true)
  return to and string.match(record.attributes, '^"?([^",}]*)', to + 1)
end

-- The attributes with one of them set, as JSON.
local function with_attribute(attributes, name, json)
  if attributes == '' then return ',{"' .. name .. '":' .. json .. '}' end
  local from, to = find(attributes, '"' .. name .. '":', 1, true)
  if not from then return sub(attributes, 1, -2) .. ',"' .. name .. '":' .. json .. '}' end
  local rest = find(attributes, '[,}]', to + 1)
  return sub(attributes, 1, to) .. json .. sub(attributes, rest)
end

local function read(id)
  return parse(redis.call('GET', record_key(id)))
end

local function encode(record)
  return head() .. record.owner_json .. ',' .. digits(record.version) .. ',' .. digits(record.created) .. ','
    .. digits(record.expires) .. ',' .. digits(record.refreshed) .. record.attributes .. record.tail
end

-- Writes a record where there is none; else answers the text of the one that is there.
local function write_new(id, record)
  return redis.call('SET', record_key(id), encode(record), 'NX', 'GET', 'PXAT', digits(record.expires))
end

-- Writes the record: the value and its life in one command.
local function write(id, record)
  local text = encode(record)
  redis.call('SET', record_key(id), text, 'PXAT', digits(record.expires))
  return text
end
