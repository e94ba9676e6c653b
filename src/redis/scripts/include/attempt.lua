-- One attempt at a command: may it still run, was it decided before, and what is decided now.
-- KEYS[4] job. ARGV[4] issuedAt, ARGV[5] until, ARGV[6] '1' where a job carries it, ARGV[7] maxCommandAge; microseconds.
-- Every reply is { code, TIME, record or '', three numbers, { ids of tokens that it ended by themselves } }; what the
-- numbers are, and what stands behind, each script says.
--- @include "scope"
--- @include "decision"
--- @include "moved"

local AHEAD = 5000000 -- microseconds that a sender's clock may be ahead

-- The script of each change, by its name: some are run by themselves, and many together.
local changes = {}

-- Of the change that is being made.
local issued, queued

local function answer(code, text, a, b, c)
  return { code, now, text or '', a or 0, b or 0, c or 0, ended_ids }
end

-- Decides the command for good: a job that runs again is answered the same.
local function settle(code, text, a, b, c)
  local reply = answer(code, text, a, b, c)
  if queued then
    decide(KEYS[4], command_id, code .. ':' .. digits(reply[4]) .. ':' .. digits(reply[5]) .. ':' .. digits(reply[6]))
  end
  return reply
end

-- The reply that ends the attempt here, or nil where the command is to be run. What was decided before is answered
-- again, with what stands where the token of `ids` lies as of now: whether that is still the same life, the caller tells
-- by createdAt.
local function begin(revocation, ids)
  issued, queued = tonumber(ARGV[4]), ARGV[6] == '1'
  if now > tonumber(ARGV[5]) then return answer('late') end
  if queued and (ask_once('EXISTS', KEYS[4]) == 1 or decided_now[command_id]) then
    local decided = redis.call('HGET', KEYS[4], command_id)
    if decided then
      local code, a, b, c = string.match(decided, '^([%a-]+):(%d+):(%d+):(%d+)$')
      if not ids then return answer(code, '', a, b, c) end
      local text, place = first_found(ids)
      return at_place(answer(code, text, a, b, c), place, ids)
    end
  end
  if revocation then return nil end
  if issued > now + AHEAD then return settle('ahead') end
  if now - issued > tonumber(ARGV[7]) then return settle('expired') end
  return nil
end

-- Whether a record is of a later life than the command was issued for. Stamps differ by the error of the clocks; one
-- that is yet to come was made by a creator who is ahead.
local function is_later(record)
  return record.created > issued + 1000 and record.created <= now
end

-- When a life of so many milliseconds ends that begins when the command was issued: waiting in a queue counts.
local function end_of_life(duration)
  return floor(math.min(issued, now) / 1000) + tonumber(duration)
end

-- The moment from which a revocation counts. One that runs in process counts from now on at the earliest.
local function revocation_time()
  if issued > now + AHEAD then return now end
  return queued and issued or math.max(issued, now)
end
