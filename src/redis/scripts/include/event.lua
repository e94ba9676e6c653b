-- Events: one entry in the shard's log and one message, by the script that makes the change.
--- @include "scope"

local LOG_LENGTH = 100000

-- RFC 3339 with milliseconds; the calendar is Howard Hinnant's civil_from_days.
local function rfc3339(ms)
  local seconds = floor(ms / 1000)
  local days = floor(seconds / 86400)
  local z = days + 719468
  local era = floor(z / 146097)
  local day_of_era = z - era * 146097
  local year_of_era = floor(
    (day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524) - floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
  local shifted_month = floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - floor((153 * shifted_month + 2) / 5) + 1
  local month = shifted_month < 10 and shifted_month + 3 or shifted_month - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  local rest = seconds - days * 86400
  return format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    floor(rest / 3600), floor(rest / 60) % 60, rest % 60, ms % 1000)
end

local event_time = rfc3339(now_ms)

-- owner: as JSON; version, reason, by and successor may be nil
local function publish(kind, id, owner, version, reason, by, successor)
  -- Whoever meets a token that has expired is not the cause of it.
  local caused = command_id ~= '' and kind ~= 'token-expired'
  local body = '"source":"redis-tokens","type":"' .. kind .. '","subject":"' .. id .. '","time":"' .. event_time
    .. '","data":{"app":' .. app_json .. ',"type":' .. type_json .. ',"owner":' .. owner
    .. (version and ',"version":' .. digits(version) or '')
    .. (reason and ',"reason":' .. json_string(reason) or '')
    .. (by and ',"by":"' .. by .. '"' or '')
    .. (successor and ',"successor":"' .. successor .. '"' or '')
    .. (caused and ',"commandId":"' .. command_id .. '"' or '') .. '}}'
  -- The entry's id becomes part of the event's: whoever reads the log adds it in the same way.
  local entry = redis.call('XADD', KEYS[2], 'MAXLEN', '~', LOG_LENGTH, '*', 'event', '{"specversion":"1.0",' .. body)
  redis.call('PUBLISH', prefix .. ':events:' .. kind .. ':' .. scope,
    '{"specversion":"1.0","id":"' .. shard .. '-' .. entry .. '",' .. body)
end
