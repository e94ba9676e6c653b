/** From what a caller gives as `connection` to ioredis clients, the caller's own or ours. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Spread } from '../tokens/options.js';
import { tlsProblem, whyEnded } from './certificates.js';
import { type ClusterAddress, clusterOptions, parseClusterUrl } from './cluster.js';
import { isPasswordProblem } from './failure.js';
import { parseSentinelUrl, sentinelTls } from './sentinel.js';
import { TlsConnector } from './tls-connector.js';

export type RedisClient = Redis | Cluster;

/**
 * A URL (`redis:`, `rediss:`; `redis-cluster:`, `rediss-cluster:` with some nodes of a Cluster; `redis-sentinel:`,
 * `rediss-sentinel:` with some Sentinels and `#` the name of what they watch), ioredis options, some nodes of a Cluster with
 * the options of a connection to each, or a client of the caller's own, which stays as it is.
 */
export type Connection = string | RedisOptions | ClusterAddress | RedisClient;

/** Where a client is yet to be opened to. */
export type Address = Exclude<Connection, RedisClient>;

export const DEFAULT_URL = 'redis://localhost:6379';

/** The longest wait between two attempts to connect: what comes back is used within a second. */
const MAX_RECONNECT_DELAY = 1_000;

const reconnectDelay = (attempt: number): number =>
  Math.min(25 * 2 ** attempt, MAX_RECONNECT_DELAY) * (0.75 + Math.random() / 4);

/** Milliseconds after which a server that was loading is asked again: by default ioredis believes its estimate. */
const LOADING_DELAY = 500;

/**
 * 16 shards are on all of a few nodes, and leave room to grow. A worker has connections to each queue of its own, so that
 * there are fewer of those.
 */
const ON_CLUSTER: Spread = { shards: 16, partitions: 4 };

/** Milliseconds that a server has to answer when a connection is ended. */
const CLOSE_TIMEOUT = 500;

/** Options of a connection for operations: each command is sent at most once, and nothing waits in a queue. */
export const OPERATION_CLIENT: RedisOptions = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  retryStrategy: reconnectDelay,
};

/**
 * Options of a connection that BullMQ or a subscription lives on: it waits for Redis as long as it takes. That its socket
 * has gone without a word is noticed by a `socketTimeout`, which is to be longer than what is asked on it may take.
 */
export const LASTING_CLIENT: RedisOptions = { maxRetriesPerRequest: null, retryStrategy: reconnectDelay };

export function isClient(connection: unknown): connection is RedisClient {
  if (connection instanceof Redis || connection instanceof Cluster) return true;
  const { duplicate, status } = (connection ?? {}) as Partial<Redis>; // of another copy of ioredis
  return typeof duplicate === 'function' && typeof status === 'string';
}

export const isCluster = (client: RedisClient): client is Cluster => client.isCluster;

/** Whether a connection leads to a Redis Cluster. */
export const isOfCluster = (connection: Connection | undefined): boolean =>
  isClient(connection) ? isCluster(connection) : clusterAt(connection) !== undefined;

/** The nodes of a Cluster that is yet to be connected to; `undefined` where it is none. */
function clusterAt(connection: Address | undefined): ClusterAddress | undefined {
  if (typeof connection === 'string') return parseClusterUrl(connection);
  return Array.isArray((connection as Partial<ClusterAddress> | undefined)?.nodes)
    ? (connection as ClusterAddress)
    : undefined;
}

/** How tokens and commands are spread where nobody says so: on a Cluster, so that several nodes have some. */
export const defaultSpread = (connection: Connection | undefined): Spread =>
  isOfCluster(connection) ? ON_CLUSTER : { shards: 1, partitions: 1 };

/** As `defaultSpread`, for whoever leaves the queues alone. */
export const defaultShards = (connection: Connection | undefined): Pick<Spread, 'shards'> => ({
  shards: defaultSpread(connection).shards,
});

/** What TLS needs besides an address: texts in PEM form. */
export interface TlsMaterial {
  /** Authorities that may have signed the certificate of Redis. Default: those that Node.js knows. */
  ca?: string | undefined;
  /** This client's own certificate, and its key. */
  cert?: string | undefined;
  key?: string | undefined;
}

/** A connection over TLS, by certificates of the caller's own: the address is read as ioredis reads it. */
export function overTls(connection: Address, material: TlsMaterial): Exclude<Address, string> {
  const cluster = clusterAt(connection);
  if (cluster) return { ...cluster, redisOptions: secured(cluster.redisOptions ?? {}, material) };
  const found = typeof connection === 'string' ? parseSentinelUrl(connection) : connection;
  if (found) return secured(found as RedisOptions, material);
  return new Redis(connection as string, { lazyConnect: true, tls: material }).options; // it connects to nothing
}

function secured(options: RedisOptions, material: TlsMaterial): RedisOptions {
  const tls = { ...(typeof options.tls === 'object' && options.tls), ...material };
  return { ...options, ...(options.sentinels ? sentinelTls(tls) : { tls }) };
}

/** Whether a connection that is to be opened goes over TLS. */
export const isTls = (connection: Address): boolean =>
  typeof connection === 'string'
    ? /^rediss(-cluster|-sentinel)?:/.test(connection)
    : Boolean((clusterAt(connection)?.redisOptions ?? (connection as RedisOptions)).tls);

/** A client of ours: a duplicate where the caller gave one. It opens on first use, and prints nothing. */
export function openClient(connection: Connection | undefined, options: RedisOptions = {}): RedisClient {
  const client = create(connection ?? DEFAULT_URL, {
    lazyConnect: true,
    disconnectTimeout: CLOSE_TIMEOUT,
    ...options,
  });
  client.on('error', () => {}); // every failure reaches a caller through its call
  client.setMaxListeners(Number.POSITIVE_INFINITY); // each call that waits for the connection listens: Node would print a warning
  return client;
}

function create(connection: Connection, options: RedisOptions): RedisClient {
  const own = {
    maxLoadingRetryTime: LOADING_DELAY,
    ...options,
    replyMapping: 'legacy', // replies in the shapes that this library reads
  } as const;
  if (!isClient(connection)) {
    const cluster = clusterAt(connection);
    if (cluster) {
      const ofNodes = { ...cluster.redisOptions, ...connectorOf(cluster.redisOptions), ...own };
      return new Cluster(cluster.nodes, clusterOptions(ofNodes));
    }
    const sentinels = typeof connection === 'string' ? parseSentinelUrl(connection) : undefined;
    if (sentinels) return new Redis({ ...sentinels, ...own });
    if (typeof connection === 'string')
      return new Redis(connection, { ...connector(isTls(connection)), ...own });
    return new Redis({ ...(connection as RedisOptions), ...connectorOf(connection as RedisOptions), ...own });
  }
  if (!isCluster(connection)) return connection.duplicate({ ...connectorOf(connection.options), ...own });
  const { redisOptions } = connection.options;
  return connection.duplicate([], clusterOptions({ ...redisOptions, ...connectorOf(redisOptions), ...own }));
}

/** How the socket is opened, where ioredis' own way is not safe. */
const connector = (overTls: boolean): RedisOptions => (overTls ? { Connector: TlsConnector } : {});

const connectorOf = ({ tls, sentinels, Connector }: RedisOptions = {}): RedisOptions =>
  connector(Boolean(tls) && !sentinels && !Connector);

/** Ends a client of ours: politely where it is connected, so that what was written is sent. */
export async function closeClient(client: RedisClient): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    setTimeout(resolve, CLOSE_TIMEOUT).unref();
  });
  if (client.status === 'end') return;
  if (client.status !== 'ready') return client.disconnect();
  client.quit().catch(() => {});
  await ended; // disconnecting before would wait for a socket that has gone
  if ((client.status as string) !== 'end') client.disconnect();
}

/** Starts a lazy client, or one that has given up; later failures are for its retries. */
export function wake(client: RedisClient): void {
  if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => {});
}

/** Whether what is sent now is written: for a moment a client does not know yet that its socket has gone. */
export const isUsable = (client: RedisClient): boolean =>
  client.status === 'ready' && (isCluster(client) || client.stream.writable);

/**
 * Resolves when the client is ready; rejects with the last error after `timeout` milliseconds.
 * @param closed aborts when nobody waits any more: ioredis tells nothing of a client that is ended between attempts.
 */
export function whenReady(client: RedisClient, timeout: number, closed?: AbortSignal): Promise<void> {
  if (isUsable(client)) return Promise.resolve();
  if (closed?.aborted) return Promise.reject(new Error('the connection was closed'));
  return new Promise((resolve, reject) => {
    let last: unknown = new Error(`not connected within ${timeout} ms`);
    let met = false; // a server that has not let us in yet
    const settle = (done: () => void) => {
      clearTimeout(timer);
      client.off('connect', onConnect).off('ready', onReady).off('error', onError);
      closed?.removeEventListener('abort', giveUp);
      done();
    };
    const onConnect = () => {
      met = true;
    };
    const onReady = () => settle(resolve);
    const onError = (error: unknown) => {
      last = error;
      if (isPasswordProblem(error) || tlsProblem(error) !== undefined)
        giveUp(); // waiting changes nothing
      else if (met || isCluster(client)) lookInto();
      met = false;
    };
    const lookInto = async () => {
      // A Cluster says no more than that it has reached none of its nodes.
      const [node] = isCluster(client) ? client.nodes() : [client];
      const refusal = node?.options.tls && !node.options.sentinels && (await whyEnded(node.options));
      if (refusal) onError(refusal);
    };
    const giveUp = () => settle(() => reject(last));
    const timer = setTimeout(() => {
      if (isShakingHands(client))
        last = new Error(`no answer to the TLS handshake within ${Math.round(timeout)} ms`);
      giveUp();
    }, timeout);
    client.on('connect', onConnect).on('ready', onReady).on('error', onError);
    closed?.addEventListener('abort', giveUp);
    wake(client);
  });
}

/** Whether a server has taken the connection, and says nothing: one that does not speak TLS waits for the end of a line. */
const isShakingHands = (client: RedisClient): boolean =>
  !isCluster(client) &&
  Boolean(client.options.tls) &&
  client.status === 'connecting' &&
  client.stream?.connecting === false;
