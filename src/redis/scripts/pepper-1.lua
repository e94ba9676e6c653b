#!lua flags=allow-oom
-- Purpose: fixes which peppers a deployment has, unless something stands that they do not fit.
-- Input:  KEYS[1] meta; ARGV id, check, id, check, … of a process, the one that seals first
-- Output: { what has sealed before: `<id>=<check> …` or '', then the check that stands of each }

local sealed = redis.call('HGET', KEYS[1], 'pepper') or ''
local latest = string.match(sealed, '=([^ ]*)$')
local standing, fits = { sealed }, latest == nil
for i = 1, #ARGV, 2 do
  local check = redis.call('HGET', KEYS[1], 'pepper:' .. ARGV[i])
  standing[#standing + 1] = check or ''
  if ARGV[i + 1] == latest then fits = true end
end
for i = 1, #ARGV, 2 do
  local check = standing[(i + 1) / 2 + 1]
  if check ~= '' and check ~= ARGV[i + 1] then return standing end
end
-- Who may not write leaves it to others.
if not fits or not redis.acl_check_cmd('HSET', KEYS[1], 'pepper', '') then return standing end

for i = 1, #ARGV, 2 do
  local check = standing[(i + 1) / 2 + 1]
  if check == '' then redis.call('HSET', KEYS[1], 'pepper:' .. ARGV[i], ARGV[i + 1]) end
end
-- One that has sealed before does not become the latest again: processes that are still to be restarted may come later.
if not string.find(sealed .. ' ', '=' .. ARGV[2] .. ' ', 1, true) then
  redis.call('HSET', KEYS[1], 'pepper', (sealed == '' and '' or sealed .. ' ') .. ARGV[1] .. '=' .. ARGV[2])
end
return standing
