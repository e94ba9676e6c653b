// Starts a real redis-server of our own, for `npm start` and for the tests, and sees to it that none is left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisMemoryServer } from 'redis-memory-server';
import type { Log } from './debian-package.js';
import { findRedisServer } from './redis-binary.js';

export interface RedisServerOptions {
  /** Arguments of redis-server, such as `['--appendonly', 'yes']`; they win over ours. Default: none. */
  args?: string[];
  /** Port on 127.0.0.1. Default: a free one. */
  port?: number;
  /** Where Redis writes its files; it is kept. Default: a temporary folder that goes with the server. */
  dir?: string;
  /** Hears in one line where the binary came from. Default: stderr. */
  log?: Log;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the server and resolves once it is gone; also after `kill`, and more than once. */
  stop(): Promise<void>;
  /** Sends a signal, and does not wait: SIGKILL for a crash, SIGSTOP and SIGCONT for a server that hangs. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
}

/** How long a server may take to end after SIGTERM until it is killed, in ms. */
const STOP_TIMEOUT = 3_000;

/** How often a free port may be lost to another process between our finding it and Redis' taking it. */
const PORT_ATTEMPTS = 5;

/** Ends the servers of this process with it; one listener, however many servers there are. */
const killers = new Set<() => void>();
process.once('exit', () => {
  for (const kill of killers) kill();
});

let binary: Promise<string | undefined> | undefined;

/** Starts a redis-server on 127.0.0.1 that persists nothing unless `args` say so. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  // Asked once per process: it is told once, and a failure is not repeated for every test.
  binary ??= findRedisServer(log);
  try {
    const path = await binary;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await launch(path, options.port ?? (await freePort()), options);
      } catch (error) {
        const taken = /in use|shutting down|closed with code/i.test(String(error));
        if (options.port !== undefined || !taken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Redis could not be started (${reason}). Set REDIS_URL to a Redis that runs, or install redis-server 7.0 or newer.`,
      { cause: error },
    );
  }
}

async function launch(
  path: string | undefined,
  port: number,
  options: RedisServerOptions,
): Promise<RedisServer> {
  if (options.dir !== undefined && !existsSync(options.dir)) throw new Error(`no folder ${options.dir}`);
  const temporary = options.dir === undefined ? mkdtempSync(join(tmpdir(), 'redis-tokens-')) : undefined;
  const dir = options.dir ?? temporary ?? tmpdir();
  const removeTemporary = () => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  };

  const server = new RedisMemoryServer({
    ...(path === undefined ? {} : { binary: { systemBinary: path } }),
    // The port goes among the arguments: redis-memory-server takes another one where the port that it is asked for was
    // used in the last half minute, and a server that comes back must come back on its own port.
    instance: { args: ['--port', String(port), '--dir', dir, ...(options.args ?? [])] },
    // A session of its own: Ctrl-C goes to the whole process group of the terminal, and Redis must outlive the worker,
    // which has jobs to finish.
    spawn: { detached: true, cwd: dir },
  });

  try {
    await server.start();
  } catch (error) {
    removeTemporary();
    throw error;
  }
  const { childProcess: redis, killerProcess } = (await server.ensureInstance()).instance;
  const pid = redis?.pid;
  if (redis === null || pid === undefined) throw new Error('redis-memory-server tells no process');

  const exited = new Promise<void>((resolve) => {
    if (redis.exitCode !== null || redis.signalCode !== null) resolve();
    else redis.once('exit', () => resolve());
  });
  const isRunning = () => redis.exitCode === null && redis.signalCode === null;
  const kill = (signal: NodeJS.Signals) => {
    if (isRunning()) redis.kill(signal);
  };

  const watchdog = watch(pid, temporary);
  const killAtExit = () => kill('SIGKILL');
  killers.add(killAtExit);
  // A forgotten server keeps no process alive; it goes with it.
  unref(redis);
  if (killerProcess !== null) unref(killerProcess);

  const end = async () => {
    if (isRunning()) {
      redis.ref();
      kill('SIGCONT');
      kill('SIGTERM');
      await Promise.race([exited, wait(STOP_TIMEOUT, undefined, { ref: false })]);
      kill('SIGKILL');
      await exited;
    }
    killers.delete(killAtExit);
    // Ends what redis-memory-server itself has running beside the server.
    await server.stop();
    watchdog.stdin?.end('done\n');
    removeTemporary();
  };
  let ended: Promise<void> | undefined;

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid,
    kill,
    get exited() {
      // Whoever waits for the end must not be over before it.
      redis.ref();
      return exited;
    },
    stop: () => {
      ended ??= end();
      return ended;
    },
  };
}

// redis-memory-server's own watcher shares our process group, so the Ctrl-C that ends us may end it first, and it asks
// only every two seconds. This one is in a session of its own and waits for the end of its input, which comes the moment
// we are gone, however we went. A line on its input tells that there is nothing left to do.
const WATCHDOG_SCRIPT = `
read -r line && exit 0
kill -CONT "$1" && kill -TERM "$1"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$1" || break; sleep 0.1; done
kill -KILL "$1"
[ -z "$2" ] || rm -rf -- "$2"
`;

export function watch(pid: number, temporaryFolder: string | undefined): ChildProcess {
  const watchdog = spawn(
    'sh',
    ['-c', WATCHDOG_SCRIPT, 'redis-watchdog', String(pid), temporaryFolder ?? ''],
    {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  // Without a watchdog the exit handler still ends the server in all but the rarest cases.
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  unref(watchdog);
  return watchdog;
}

function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    (stream as { unref?: () => void } | null)?.unref?.();
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('the system gives no free port'));
      });
    });
  });
}
