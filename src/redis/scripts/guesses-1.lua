#!lua
-- Purpose: counts misses by client until the window is over, and finds who has as many as make a guesser.
-- Input:  KEYS[1] guesses; ARGV[1] window in ms, [2] misses that make a guesser, then client, misses, client, misses, …
-- Output: client, misses so far, client, misses so far, … of those who have become guessers by these

local CLIENTS = 10000 -- so that nobody fills the memory with names: beyond these, who has least is forgotten

local limit = tonumber(ARGV[2])
local is_new = redis.call('EXISTS', KEYS[1]) == 0
local guessers = {}
for i = 3, #ARGV, 2 do
  local misses = tonumber(redis.call('ZINCRBY', KEYS[1], ARGV[i + 1], ARGV[i]))
  if misses >= limit and misses - tonumber(ARGV[i + 1]) < limit then
    guessers[#guessers + 1] = ARGV[i]
    guessers[#guessers + 1] = misses
  end
end
if is_new then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local excess = redis.call('ZCARD', KEYS[1]) - CLIENTS
if excess > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, excess - 1) end
return guessers
