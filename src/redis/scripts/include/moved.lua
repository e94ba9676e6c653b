-- Where a token lies. Its secret has an id under each pepper; who presents it gives those that it may lie under, the one
-- under the newest first: `<id> <id> …`. A token that has moved to another of them leaves a signpost in the place of its
-- record, `[0,app,type,"<its id>",<since when, ms>]`: whoever reads records finds none, and who knows the id is led on.
--- @include "record"

local ID_LENGTH = 22
local HOPS = 8 -- signposts that are followed: each id of a token is passed once, and few peppers are used up in a life

-- Where a signpost leads, and since when; nil where there is none of this scope.
local function signpost(text)
  if not text or sub(text, 1, 3) ~= '[0,' then return nil end
  local head = '[0,' .. app_json .. ',' .. type_json .. ','
  if sub(text, 1, #head) ~= head then return nil end
  local id, since = string.match(text, '^"([%w_-]+)",(%d+)%]$', #head + 1)
  return id, tonumber(since)
end

-- What stands at an id, or where that has moved to; and the id of that place.
local function found(id)
  local text = redis.call('GET', record_key(id))
  for _ = 1, HOPS do
    local to = signpost(text)
    if not to then return text, id end
    id, text = to, redis.call('GET', record_key(to))
  end
  return false, id
end

local function each_id(ids)
  return string.gmatch(ids, '%S+')
end

-- The first of the ids under which there is something: the same as of found, or false and the newest id.
local function first_found(ids)
  for id in each_id(ids) do
    local text, place = found(id)
    if text then return text, place end
  end
  return false, sub(ids, 1, ID_LENGTH)
end

-- The ids that a record was moved from.
local function formers(record)
  return each_id(attribute(record, 'former') or '')
end

-- Has a reply tell under which id its record lies, where it is another than the newest.
local function at_place(reply, place, ids)
  if place ~= sub(ids, 1, ID_LENGTH) then reply[8] = place end
  return reply
end
