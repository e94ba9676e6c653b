// Starts a primary with replicas, and Sentinels that watch them: each a real server of our own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Log } from './debian-package.js';
import { findRedisServer } from './redis-binary.js';
import { freePort, type RedisServer, startRedisServer, watch } from './redis-server.js';

/** What the Sentinels call it. */
const NAME = 'tokens';

/** Milliseconds of silence after which a Sentinel takes a server for dead. */
const DOWN_AFTER = 1_000;

const FAILOVER_TIMEOUT = 10_000;

/** Milliseconds that the servers may take to know of each other. */
const AGREEMENT_TIMEOUT = 30_000;

export interface SentinelOptions {
  /** Default 2. */
  replicas?: number;
  /** Default 3, of which 2 must agree that the primary is dead. */
  sentinels?: number;
  log?: Log;
}

export class WatchedRedis {
  readonly #servers = new Map<number, RedisServer>();
  readonly #sentinels: Sentinel[] = [];
  readonly #log: Log;

  constructor(log: Log = () => {}) {
    this.#log = log;
  }

  /** For `connection`. */
  get url(): string {
    const hosts = this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `redis-sentinel://${hosts}#${NAME}`;
  }

  get ports(): number[] {
    return [...this.#servers.keys()];
  }

  server(port: number): RedisServer {
    const server = this.#servers.get(port);
    if (!server) throw new Error(`no server at ${port}`);
    return server;
  }

  async start({ replicas = 2, sentinels = 3 }: SentinelOptions): Promise<void> {
    const { port } = await this.startServer();
    await Promise.all(Array.from({ length: replicas }, () => this.startServer(port)));
    for (let i = 0; i < sentinels; i++) {
      const rules = [
        `sentinel monitor ${NAME} 127.0.0.1 ${port} ${Math.floor(sentinels / 2) + 1}`,
        `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER}`,
        `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT}`,
        `sentinel parallel-syncs ${NAME} 1`,
      ];
      this.#sentinels.push(await Sentinel.start(rules, this.#log));
    }
    await this.agree(replicas, sentinels);
  }

  /** One that follows the server at another port; without, a primary. At a port of its own where none is given. */
  async startServer(follows?: number, at?: number): Promise<RedisServer> {
    const server = await startRedisServer({
      args: [
        ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
        ...(follows === undefined ? [] : ['--replicaof', '127.0.0.1', String(follows)]),
      ],
      ...(at !== undefined && { port: at }),
      log: this.#log,
    });
    this.#servers.set(server.port, server);
    return server;
  }

  /** The port of the primary, as the first Sentinel that answers knows it. */
  async primary(): Promise<number> {
    const [, port] = (await this.#ask((client) =>
      client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME),
    )) as [string, string];
    return Number(port);
  }

  /** Resolves when every Sentinel knows of so many replicas that are well, and of the other Sentinels. */
  async agree(replicas: number, sentinels = this.#sentinels.length): Promise<void> {
    const deadline = performance.now() + AGREEMENT_TIMEOUT;
    for (const sentinel of this.#sentinels) {
      while (!(await sentinel.knows(replicas, sentinels - 1))) {
        if (performance.now() > deadline) throw new Error('the Sentinels do not come to agree');
        await wait(50);
      }
    }
  }

  /** Has the Sentinels make another the primary, although this one is well. */
  async failOver(): Promise<void> {
    await this.#ask((client) => client.call('SENTINEL', 'FAILOVER', NAME));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
  }

  async #ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis((this.#sentinels[0] as Sentinel).port, '127.0.0.1');
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }
}

export class Sentinel {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #guard: ChildProcess;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
    this.#guard = watch(process.pid as number, folder);
  }

  /** @param rules lines of its configuration, which win over ours. */
  static async start(rules: readonly string[], log: Log, at?: number): Promise<Sentinel> {
    const [binary = 'redis-server', port] = [await findRedisServer(log), at ?? (await freePort())];
    const folder = mkdtempSync(join(tmpdir(), 'redis-tokens-sentinel-'));
    const file = join(folder, 'sentinel.conf'); // it writes there what it comes to know
    writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...rules, ''].join('\n'));
    const child = spawn(binary, [file, '--sentinel'], { stdio: 'ignore', detached: true });
    child.unref();
    return new Sentinel(port, child, folder);
  }

  async knows(replicas: number, sentinels: number): Promise<boolean> {
    const client = new Redis(this.port, '127.0.0.1', { retryStrategy: () => 50 });
    client.on('error', () => {});
    try {
      const [all, others] = (await Promise.all([
        client.call('SENTINEL', 'REPLICAS', NAME),
        client.call('SENTINEL', 'SENTINELS', NAME),
      ])) as [string[][], string[][]];
      const well = all.filter((fields) => fields[fields.indexOf('flags') + 1] === 'slave');
      const following = well.filter((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok');
      return following.length >= replicas && others.length >= sentinels;
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) {
      this.#process.ref();
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await ended;
    }
    this.#guard.stdin?.end('done\n');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Resolves when the Sentinels know all of it. */
export async function startWatchedRedis(options: SentinelOptions = {}): Promise<WatchedRedis> {
  const watched = new WatchedRedis(options.log);
  try {
    await watched.start(options);
    return watched;
  } catch (error) {
    await watched.stop();
    throw error;
  }
}
