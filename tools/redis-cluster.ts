// Starts a real Redis Cluster of our own, each node a redis-server, for the tests and the benchmarks.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { findOnPath, type Log } from './debian-package.js';
import { freePort, type RedisServer, startRedisServer } from './redis-server.js';

const run = promisify(execFile);

const SLOTS = 16_384;

/** Milliseconds after which a node that does not answer is taken for dead: a failover takes a second more. */
const NODE_TIMEOUT = 2_000;

/** Keys of a slot that one step moves. */
const MIGRATED_AT_ONCE = 100;

/** Milliseconds within which all nodes must agree. */
const AGREEMENT_TIMEOUT = 30_000;

export interface RedisClusterOptions {
  /** Default 3. */
  primaries?: number;
  /** Of each primary. Default 1. */
  replicas?: number;
  /** Hears where the binary came from. Default: stderr. */
  log?: Log;
}

/** A node as the Cluster names it. */
export interface ClusterMember {
  id: string;
  port: number;
  isPrimary: boolean;
  /** Of a replica: the id of its primary. */
  primary: string | undefined;
  /** Nobody says that it fails. */
  isWell: boolean;
  /** Slot ranges of a primary. */
  slots: [first: number, last: number][];
}

export class RedisCluster {
  readonly #servers = new Map<number, RedisServer>();
  readonly #log: Log | undefined;

  /** @param log hears where the binary came from. */
  constructor(log?: Log) {
    this.#log = log;
  }

  /** For `connection`: every node that was started. */
  get url(): string {
    return `redis-cluster://${[...this.#servers.keys()].map((port) => `127.0.0.1:${port}`).join(',')}`;
  }

  get ports(): number[] {
    return [...this.#servers.keys()];
  }

  server(port: number): RedisServer {
    const server = this.#servers.get(port);
    if (!server) throw new Error(`no node at ${port}`);
    return server;
  }

  /** A node without slots, which knows no other. */
  async startNode(): Promise<RedisServer> {
    const bus = await freePort(); // by default it would often be too high to be one
    const server = await startRedisServer({
      args: [
        ...['--cluster-enabled', 'yes', '--cluster-port', String(bus)],
        ...['--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', String(NODE_TIMEOUT)],
        ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
      ],
      ...(this.#log && { log: this.#log }),
    });
    this.#servers.set(server.port, server);
    return server;
  }

  /** `redis-cli --cluster <what>`. */
  async manage(...what: string[]): Promise<string> {
    const { stdout } = await run(redisCli(), ['--cluster', ...what, '--cluster-yes']);
    return stdout;
  }

  /** What the node at this port knows of all. */
  async members(port = this.ports[0] as number): Promise<ClusterMember[]> {
    const { stdout } = await run(redisCli(), ['-p', String(port), 'cluster', 'nodes']);
    return stdout.trim().split('\n').map(toMember);
  }

  async primaries(port?: number): Promise<ClusterMember[]> {
    return (await this.members(port)).filter(({ isPrimary, isWell }) => isPrimary && isWell);
  }

  /** Resolves when every node that runs knows of so many primaries that are well, and of all slots. */
  async agrees(primaries: number, replicas: number): Promise<void> {
    const deadline = performance.now() + AGREEMENT_TIMEOUT;
    while (!(await this.#doAgree(primaries, replicas))) {
      if (performance.now() > deadline) throw new Error('the nodes of the Cluster do not come to agree');
      await wait(50);
    }
  }

  /**
   * Moves a slot with all that is in it to the primary at another port, as `redis-cli --cluster reshard` does.
   * @param midway is waited for when some of its keys are there, and others are not yet.
   */
  async moveSlot(slot: number, to: number, midway?: () => Promise<void>): Promise<void> {
    const primaries = await this.primaries();
    const source = primaries.find(({ slots }) =>
      slots.some(([first, last]) => first <= slot && slot <= last),
    );
    const target = primaries.find(({ port }) => port === to);
    if (!source || !target) throw new Error(`slot ${slot} can not be moved to ${to}`);
    if (source === target) return;
    const [from, onto] = [this.#node(source.port), this.#node(to)];
    try {
      await onto.cluster('SETSLOT', slot, 'IMPORTING', source.id);
      await from.cluster('SETSLOT', slot, 'MIGRATING', target.id);
      const half = Math.ceil(Number(await from.cluster('COUNTKEYSINSLOT', slot)) / 2);
      for (let moved = 0; ; ) {
        const atOnce = moved < half ? Math.min(half - moved, MIGRATED_AT_ONCE) : MIGRATED_AT_ONCE;
        const keys = await from.cluster('GETKEYSINSLOT', slot, atOnce);
        if (keys.length === 0) break;
        await from.call('MIGRATE', '127.0.0.1', to, '', 0, 5_000, 'KEYS', ...keys);
        moved += keys.length;
        if (moved === half) await midway?.();
      }
      await onto.cluster('SETSLOT', slot, 'NODE', target.id); // first: or else nobody would have it for a while
      for (const { port } of primaries) {
        const node = port === source.port ? from : this.#node(port);
        await node.cluster('SETSLOT', slot, 'NODE', target.id);
        if (node !== from) node.disconnect();
      }
    } finally {
      from.disconnect();
      onto.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
  }

  #node(port: number): Redis {
    return new Redis(port, '127.0.0.1');
  }

  async #doAgree(primaries: number, replicas: number): Promise<boolean> {
    const views = await Promise.all(
      this.ports.map(async (port) => {
        const { stdout } = await run(redisCli(), ['-p', String(port), 'cluster', 'info']);
        if (!stdout.includes('cluster_state:ok')) return false;
        const well = (await this.members(port)).filter(({ isWell }) => isWell);
        const slots = well.flatMap((member) => member.slots);
        return (
          well.filter(({ isPrimary }) => isPrimary).length === primaries &&
          well.filter(({ primary }) => primary !== undefined).length >= primaries * replicas &&
          slots.reduce((sum, [first, last]) => sum + last - first + 1, 0) === SLOTS
        );
      }),
    ).catch(() => [false]); // one that is dead
    return views.every(Boolean);
  }
}

/** A Cluster of which every node knows all. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { primaries = 3, replicas = 1, log } = options;
  const cluster = new RedisCluster(log);
  try {
    const nodes = Array.from({ length: primaries * (1 + replicas) }, () => cluster.startNode());
    const addresses = (await Promise.all(nodes)).map(({ port }) => `127.0.0.1:${port}`);
    await cluster.manage('create', ...addresses, '--cluster-replicas', String(replicas));
    await cluster.agrees(primaries, replicas);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** It comes with redis-server. */
function redisCli(): string {
  const server = findOnPath('redis-server');
  return server === undefined ? 'redis-cli' : join(dirname(server), 'redis-cli');
}

/** A line of `CLUSTER NODES`. */
function toMember(line: string): ClusterMember {
  const [id = '', address = '', flags = '', primary = '-', , , , link, ...slots] = line.split(' ');
  const isPrimary = flags.includes('master');
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)?.[1]),
    isPrimary,
    primary: primary === '-' ? undefined : primary,
    isWell: !/fail|noaddr|handshake/.test(flags) && (link === 'connected' || flags.includes('myself')),
    slots: slots
      .filter((range) => !range.startsWith('['))
      .map((range) => {
        const [first = '', last = first] = range.split('-');
        return [Number(first), Number(last)];
      }),
  };
}
