/** Who uses a deployment's Redis, and what of it each of them needs. */
import { LANES, MAINTENANCE } from '../../queue/lanes.js';
import { Keys } from '../../redis/keys.js';
import { SCRIPTS, type ScriptName } from '../../redis/scripts.generated.js';
import { CHANNEL as INVALIDATIONS } from '../../redis/tracking.js';
import { commands, type Grant, together } from './grant.js';
import { ADDING_JOBS, commandsOfScripts, WORKING_ON_JOBS } from './script-commands.js';

export const ROLES = ['reader', 'application', 'producer', 'subscriber', 'worker', 'operator'] as const;

export type Role = (typeof ROLES)[number];

export const PURPOSES: Record<Role, string> = {
  reader: 'RedisTokens that reads: get, getById, list, count, owners',
  application: 'RedisTokens: every operation in process',
  producer: 'TokenProducer: commands for a worker',
  subscriber: 'TokenSubscriber, and the commands watch and events',
  worker: 'TokenWorker, and the process of redis-tokens worker with its metrics and console',
  operator: 'the command line: every command, but for where migrate takes tokens from',
};

export interface Access extends Grant {
  /** Keys that scripts are called with, and no more is done to: Redis takes each script for one that writes. */
  calls?: Grant;
}

/** How scripts are run: which of them, no rule can say. */
const SCRIPT_CALLS = ['eval', 'evalsha'];

/** Scripts that no operation in process runs. */
const NOT_IN_PROCESS: ReadonlySet<ScriptName> = new Set<ScriptName>([
  ...(['checkIndex', 'checkToken', 'removeUnreadable', 'log', 'sweep', 'giveUp', 'takeUp'] as const),
  ...(['oldRead', 'oldRemove', 'holdLayout', 'raiseLayout'] as const),
]);

const ALL_SCRIPTS = Object.keys(SCRIPTS) as ScriptName[];
const IN_PROCESS = ALL_SCRIPTS.filter((name) => !NOT_IN_PROCESS.has(name));

/** @param cache whether to let who reads in process keep what was read: the option `cache`. */
export function accessOf(role: Role, prefix: string, cache = false): Access {
  const keys = new Keys(prefix);
  const events = keys.events(); // which covers each of their channels, too
  const results = keys.results('*');
  const shards = keys.onEveryShard('*');
  const queues = LANES.flatMap((lane) => keys.everyQueue(lane));

  /** ioredis asks whether the server is loading, and on a Cluster where slots are, also one that is just being moved. */
  const connecting: Grant = {
    commands: commands('ping info select client|setname client|info cluster|slots cluster|info asking'),
  };
  /** What all processes agree on, and the time. */
  const joining: Grant = { commands: ['type', 'hget', 'hmget', 'time'], reads: [keys.meta] };
  const founding: Grant = {
    commands: [...SCRIPT_CALLS, ...commandsOfScripts(['meta', 'pepper'])],
    writes: [keys.meta],
  };
  const reading: Grant = { commands: ['get', 'mget', 'zcount', 'zrange', 'zscore', 'zscan'] };
  const caching: Grant = cache
    ? { commands: ['client|id', 'client|tracking', 'subscribe'], channels: [INVALIDATIONS] }
    : { commands: [] };
  const changing: Grant = {
    commands: [...SCRIPT_CALLS, ...commandsOfScripts(IN_PROCESS), 'sscan', 'wait'],
    writes: [shards],
    channels: [events],
  };
  const following: Grant = {
    commands: ['hget', 'psubscribe', 'exists', 'xinfo|stream', 'xrange'],
    reads: [keys.meta],
    channels: [events],
  };
  const producing: Grant = {
    commands: [...SCRIPT_CALLS, ...ADDING_JOBS, 'zcard', 'subscribe'],
    writes: queues,
    channels: [results],
  };
  const overseeing: Grant = {
    commands: ['client|list', 'sscan', 'zrange', 'exists', 'xinfo|stream', 'lindex', 'hget'],
  };
  const working: Grant = {
    commands: [
      ...[...SCRIPT_CALLS, ...WORKING_ON_JOBS, ...commandsOfScripts(['sweep', 'giveUp', 'takeUp'])],
      ...commands('bzpopmin publish'),
    ],
    writes: [...queues, ...keys.everyQueue(MAINTENANCE), shards],
    channels: [results],
  };
  const repairing: Grant = {
    commands: ['scan', 'dbsize', ...commandsOfScripts(ALL_SCRIPTS)],
    writes: [keys.meta, keys.layoutLock],
  };

  const inProcess = [connecting, founding, reading, changing];
  switch (role) {
    case 'reader': {
      const [records = '', owners = '', scopes = '', log = ''] = ['t:*', 'o:*', 's:*', 'log'].map((names) =>
        keys.onEveryShard(names),
      );
      return {
        ...together([connecting, joining, { ...reading, reads: [records, owners, scopes] }, caching]),
        calls: { commands: SCRIPT_CALLS, writes: [owners, scopes, log, keys.meta] },
      };
    }
    case 'application':
      return together([...inProcess, caching]);
    case 'producer':
      return {
        ...together([connecting, joining, producing]),
        calls: { commands: SCRIPT_CALLS, writes: [keys.meta] },
      };
    case 'subscriber': {
      const log = keys.onEveryShard('log');
      return {
        ...together([connecting, following, { commands: [], reads: [log] }]),
        calls: { commands: SCRIPT_CALLS, writes: [log] },
      };
    }
    case 'worker':
      return together([...inProcess, joining, working, overseeing, following]);
    case 'operator':
      return together([...inProcess, joining, working, overseeing, following, producing, repairing]);
  }
}
