/** Which commands the scripts run: a script has the rights of whoever runs it, and needs each of them. */
import { SCRIPTS, type ScriptName } from '../../redis/scripts.generated.js';
import { type CommandName, commands } from './grant.js';

/** Those of some scripts of ours, read from the scripts themselves. */
export function commandsOfScripts(names: readonly ScriptName[]): CommandName[] {
  const found = names.flatMap((name) =>
    [...SCRIPTS[name].lua.matchAll(/\b(?:redis\.p?call|ask_once)\(([^,)]*)/g)].flatMap(([, command = '']) =>
      [...command.matchAll(/'([A-Z]+)'/g)].map(([, word = '']) => word.toLowerCase()),
    ),
  );
  return [...new Set(found)].map((name) => WITH_PARTS[name] ?? name).sort();
}

/** Of commands that have parts, the one that is used. */
const WITH_PARTS: Record<string, CommandName> = { xinfo: 'xinfo|stream' };

/** What BullMQ's script runs that adds a job: one that has no parent, and is not to be told from another by what it holds. */
export const ADDING_JOBS = commands('exists hget hgetall hmget hmset hset incr llen lpush xadd zadd');

/** And its scripts by which jobs are taken, ended, run again and looked at, on any way through them: a test holds this against them. */
export const WORKING_ON_JOBS: readonly CommandName[] = [
  ...ADDING_JOBS,
  ...commands('del get hdel hexists hincrby lindex lpos lrange lrem ltrim persist pexpire pttl rename rpop'),
  ...commands('rpoplpush rpush sadd scard set smembers srem xtrim zcard zcount zpopmin zrange zrangebyscore'),
  ...commands('zrem zremrangebyrank zremrangebyscore zrevrange zrevrangebyscore zscore'),
];
