-- See update-5.lua.
--- @include "meant"

changes.update = function()
  local ids = ARGV[8]

  local reply = begin(false, ids)
  if reply then return reply end

  local record, _, id = meant(ids)
  if not record then return settle('none') end

  if ARGV[10] ~= '' and tonumber(ARGV[10]) ~= record.version then return settle('conflict', '', record.version) end

  local changes = {}
  for i = 11, #ARGV, 2 do changes[ARGV[i]] = ARGV[i + 1] end

  local tail, bytes, count = {}, 1, 0
  local function keep(key, json)
    local name = json_string(key)
    tail[#tail + 1] = name .. ',' .. json_string(json)
    bytes = bytes + #name + 1 + #json + 1 -- name, colon, value, and a comma or the closing brace
    count = count + 1
  end

  local readable, entries = pcall(cjson.decode, '[' .. sub(record.tail == ']' and ' ]' or record.tail, 2))
  if not readable or #entries % 2 == 1 then return settle('none') end
  for _, entry in ipairs(entries) do
    if type(entry) ~= 'string' then return settle('none') end
  end
  for i = 1, #entries, 2 do
    local key = entries[i]
    local change = changes[key]
    changes[key] = nil
    if change ~= '' then keep(key, change or entries[i + 1]) end
  end
  for i = 11, #ARGV, 2 do
    local change = changes[ARGV[i]]
    if change and change ~= '' then keep(ARGV[i], change) end
  end
  if count == 0 then bytes = 2 end
  if bytes > tonumber(ARGV[9]) then return settle('too-large', '', bytes) end

  record.version = record.version + 1
  record.tail = (count == 0 and '' or ',') .. table.concat(tail, ',') .. ']'
  local text = write(id, record)
  publish('token-updated', id, record.owner_json, record.version)
  return at_place(settle('ok', text, record.version, record.created), id, ids)
end
