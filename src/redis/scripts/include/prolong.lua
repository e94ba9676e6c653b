-- How long a record is to live from now on.
--- @include "attempt"
--- @include "record"

-- Begins a record's idle time anew, up to its ceiling. What comes late never shortens what a later one has set.
local function begin_idle(record)
  local idle = idle_ms(record)
  if not idle then return end
  local ends = floor(math.min(issued, now) / 1000) + idle
  record.expires = math.max(record.expires, math.min(tonumber(attribute(record, 'absoluteExpiresAt')), ends))
end

-- Sets a record's ceiling to so many milliseconds from when the command was issued, and begins its idle time anew.
local function prolong(record, duration)
  duration = tonumber(duration)
  local ceiling = queued and end_of_life(duration) or now_ms + duration
  local expires, idle = ceiling, idle_ms(record)
  if idle then
    local begun = math.max(ceiling - duration, tonumber(attribute(record, 'lastUsedAt') or 0))
    expires = math.min(ceiling, begun + idle)
  end
  -- One that waited never shortens what a later one has set.
  if queued and issued < record.refreshed then
    expires = math.max(expires, record.expires)
    if idle then ceiling = math.max(ceiling, tonumber(attribute(record, 'absoluteExpiresAt'))) end
  end
  record.expires = expires
  if idle then set_number(record, 'absoluteExpiresAt', ceiling) end
  record.refreshed = math.max(issued, record.refreshed)
end
