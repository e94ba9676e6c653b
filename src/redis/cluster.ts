/** What is different on a Redis Cluster: how one is named, and that its primaries come and go one by one. */
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Cluster,
  type ClusterNode,
  type ClusterOptions,
  Command,
  type Redis,
  type RedisOptions,
} from 'ioredis';
import { StoreUnavailableError } from '../tokens/errors.js';
import { parseHosts, parseLogin } from './hosts-url.js';

/** Milliseconds between two tries where a node can not be reached, or a slot has no primary. */
const PAUSE = 50;

/** How often ioredis sends a command again that a Cluster has refused: until its time is over, by what it waits for in between. */
const REDIRECTIONS = 1_000;

/** Milliseconds after which ioredis follows a node to another: two that name each other would keep it busy. */
const MOVED_DELAY = 10;

const DEFAULT_PORT = 6_379;

const CLUSTER_URL = /^redis(s?)-cluster:\/\/(?:([^@/]*)@)?([^@/]+)\/?$/;

/** Of a connection to one node: replies in the shapes that this library reads. */
type NodeOptions = RedisOptions & { replyMapping: 'legacy' };

/** Some of a Cluster's nodes, from which the others are found. */
export interface ClusterAddress {
  /** Some of them: each an ioredis `host` and `port`, or a URL. */
  nodes: ClusterNode[];
  /** Of a connection to each node: user, password, TLS. Default: none of it. */
  redisOptions?: RedisOptions | undefined;
}

/**
 * What `redis-cluster://user:password@host:port,host:port` names; `rediss-cluster:` is by TLS. `undefined` for another text.
 * A node without a port has 6379.
 */
export function parseClusterUrl(url: string): ClusterAddress | undefined {
  const [, tls, login, hosts = ''] = CLUSTER_URL.exec(url) ?? [];
  const nodes = parseHosts(hosts, DEFAULT_PORT);
  const user = parseLogin(login);
  return nodes && user && { nodes, redisOptions: { ...user, ...(tls && { tls: {} }) } };
}

/**
 * @param options of the connections to its nodes. Where those do not send again what was lost, the Cluster does not either:
 *   by default ioredis sends a command to another node when the connection to its own is lost.
 */
export function clusterOptions({
  lazyConnect = true,
  enableOfflineQueue: _,
  retryStrategy,
  ...redisOptions
}: NodeOptions): ClusterOptions & { redisOptions: NodeOptions } {
  const once = redisOptions.autoResendUnfulfilledCommands === false;
  return {
    lazyConnect,
    enableOfflineQueue: true, // without, a command is refused whose node is merely being connected to
    redisOptions,
    ...(retryStrategy && { clusterRetryStrategy: (times) => retryStrategy(times) as number }),
    ...(once && { retryDelayOnFailover: 0 }),
    retryDelayOnMoved: MOVED_DELAY,
    maxRedirections: REDIRECTIONS,
  };
}

/** The primary of a key's slot, where it is known and within reach. */
export function primaryOf(client: Cluster, key: string): Redis | undefined {
  const primary = client.slots[new Command('get', [key]).getSlot()]?.[0];
  return client.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === primary);
}

/**
 * Values of keys of one slot. While that moves, some of its keys are on either node, and Redis answers for all of them
 * together when the move is over: each is asked for alone then.
 */
export async function getAll(client: Cluster, keys: string[]): Promise<(string | null)[]> {
  try {
    const primary = primaryOf(client, keys[0] as string);
    if (primary) return await primary.mget(keys);
  } catch (error) {
    if (!isRedirection(error) && !isNodeLost(error)) throw error;
  }
  return Promise.all(keys.map((key) => client.get(key)));
}

/** Whether a node has refused a command, of which nothing has run then: its slot is at another, or about to be. */
export const isRedirection = (error: unknown): boolean =>
  error instanceof Error && /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/.test(error.message);

/** Nothing was sent to any node, or nothing of it has run. */
export const notServed = (key: string): StoreUnavailableError =>
  new StoreUnavailableError(`no node of the Cluster serves ${key}`, 'none');

/** Asks the nodes who has which slots now, and gives them a moment to decide that. */
export async function lookAgain(client: Cluster): Promise<void> {
  client.refreshSlotsCache();
  await wait(PAUSE);
}

/** Whether a command failed because the connection to its node was lost, or its slot had none for too long. */
export const isNodeLost = (error: unknown): boolean =>
  error instanceof Error && /^(Connection is closed\.|Too many Cluster redirections)/.test(error.message);
