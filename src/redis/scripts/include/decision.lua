-- What was decided for the commands of a job: a hash, commandId to `code:number:number:number`.

local JOB_LIFE = 604800000 -- milliseconds: 7 days
local GIVEN_UP = 'failed:0:0:0'

-- By this script: whose life has been begun anew, and what was decided.
local kept, decided_now = {}, {}

local function decide(job, command_id, decision)
  redis.call('HSET', job, command_id, decision)
  decided_now[command_id] = true
  if kept[job] then return end
  redis.call('PEXPIRE', job, JOB_LIFE)
  kept[job] = true
end
