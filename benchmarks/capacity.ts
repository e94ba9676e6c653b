// From what one of each costs to how many servers many of them take: pure arithmetic, whose figures are measured.

/** Of one token, one call, one event: microseconds of processor time, and bytes. */
export interface Costs {
  /** Bytes of Redis' memory. */
  bytesPerToken: number;
  bytesPerEvent: number;
  /** Microseconds of Redis, by what is called. */
  redis: Record<string, number>;
  /** Microseconds of the process that calls, or of the worker. */
  client: Record<string, number>;
  /** Bytes in and out of Redis. */
  network: Record<string, number>;
}

/** Entries of a shard's log. */
export const LOG_ENTRIES = 100_000;

export interface Wanted {
  tokens: number;
  getsPerSecond: number;
  commandsPerSecond: number;
  /** Subscribers that hear of every event. */
  subscribers: number;
  shards: number;
}

/** What a primary is to take at most, so that it has room for a failover, a fork and a busy hour. */
export interface Node {
  /** Bytes of used memory. */
  memory: number;
  /** Of its one thread. */
  share: number;
}

export interface Plan {
  /** Bytes of tokens, and of logs. */
  tokens: number;
  logs: number;
  /** Primaries by memory, by processor time, and by both. */
  byMemory: number;
  byTime: number;
  /** Threads of Redis that gets, commands and subscribers keep busy. */
  busy: { gets: number; commands: number; subscribers: number; passing: number };
  /** Cores of applications and of workers. */
  applications: number;
  workers: number;
  /** Bytes a second in and out of all primaries. */
  network: number;
}

const cost = (costs: Record<string, number>, name: string): number => {
  const found = costs[name];
  if (found === undefined) throw new Error(`nobody has measured ${name}`);
  return found;
};

export const memoryOf = (costs: Costs, tokens: number, events: number): number =>
  tokens * costs.bytesPerToken + events * costs.bytesPerEvent;

export function planFor(costs: Costs, wanted: Wanted, node: Node): Plan {
  const { tokens, getsPerSecond, commandsPerSecond, subscribers, shards } = wanted;
  const inTokens = memoryOf(costs, tokens, 0);
  const logs = memoryOf(costs, 0, shards * LOG_ENTRIES);
  const byMemory = Math.ceil((inTokens + logs) / node.memory);
  const work = {
    gets: (getsPerSecond * cost(costs.redis, 'get')) / 1e6,
    commands: (commandsPerSecond * cost(costs.redis, 'command')) / 1e6,
    subscribers: (commandsPerSecond * subscribers * cost(costs.redis, 'heard')) / 1e6,
  };
  // Each event goes to each node: more primaries are more of that, so that it is taken off what each can do.
  const passingEach = (commandsPerSecond * cost(costs.redis, 'passed')) / 1e6;
  const free = node.share - passingEach;
  const needed = work.gets + work.commands + work.subscribers;
  const byTime = free > 0 ? Math.ceil(needed / free) : Number.POSITIVE_INFINITY;
  const primaries = Math.max(byMemory, byTime);
  return {
    tokens: inTokens,
    logs,
    byMemory,
    byTime,
    busy: { ...work, passing: primaries * passingEach },
    applications: (getsPerSecond * cost(costs.client, 'get')) / 1e6,
    workers: (commandsPerSecond * cost(costs.client, 'command')) / 1e6,
    network:
      getsPerSecond * cost(costs.network, 'get') +
      commandsPerSecond * (cost(costs.network, 'command') + subscribers * cost(costs.network, 'heard')),
  };
}
