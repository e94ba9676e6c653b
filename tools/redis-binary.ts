// Finds a redis-server to run: the one on the PATH, else Debian's package, else a build by redis-memory-server.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Log = (line: string) => void;

/** The Lua scripts declare flags with `#!lua`, which Redis understands since 7.0. */
const MINIMUM_MAJOR = 7;

// flock: test processes that start together would fight over apt's locks, so one installs and the others wait.
// policy-rc.d: exit code 101 is how Debian lets an administrator forbid that a package starts its service. One that
// exists already is the administrator's, and is left alone. The package also enables its service for the next boot;
// there was no redis-server before this script, so that service is nobody's, and is switched off again.
const INSTALL_SCRIPT = `
set -e
command -v redis-server >/dev/null && exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod +x "$policy"
fi
install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=180 redis-server; }
install || { apt-get update -q && install; }
if command -v systemctl >/dev/null; then systemctl disable redis-server >/dev/null 2>&1 || true; fi
`;

/**
 * Where the redis-server to run is, or `undefined` when redis-memory-server shall build one.
 * Tells in one line which it is, before anything that takes long.
 */
export async function findRedisServer(log: Log): Promise<string | undefined> {
  const onPath = await usable(findOnPath('redis-server'), log);
  if (onPath !== undefined) {
    log(`Redis: using ${onPath}`);
    return onPath;
  }
  if (canInstall()) {
    log('Redis: no redis-server on the PATH; installing the package redis-server with apt-get');
    const installed = await usable(await install(log), log);
    if (installed !== undefined) return installed;
  }
  log('Redis: no redis-server to be had otherwise; redis-memory-server downloads and compiles one (minutes)');
  return undefined;
}

function findOnPath(command: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, command);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return undefined;
}

async function usable(file: string | undefined, log: Log): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const { stdout } = await run(file, ['--version']);
  const version = /\bv=(\d+)(?:\.\d+)*/.exec(stdout);
  if (version !== null && Number(version[1]) >= MINIMUM_MAJOR) return file;
  log(
    `Redis: ${file} is ${version?.[0] ?? 'of an unknown version'}, and ${MINIMUM_MAJOR}.0 or newer is needed`,
  );
  return undefined;
}

function canInstall(): boolean {
  return (
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    findOnPath('apt-get') !== undefined &&
    findOnPath('flock') !== undefined &&
    // One that is there and too old: its package is what apt has.
    findOnPath('redis-server') === undefined
  );
}

async function install(log: Log): Promise<string | undefined> {
  const lock = join(tmpdir(), 'redis-tokens-apt.lock');
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    NEEDRESTART_SUSPEND: '1',
    RUNLEVEL: '1',
  };
  try {
    await run('flock', ['-w', '600', lock, 'sh', '-c', INSTALL_SCRIPT], { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    log(`Redis: apt-get could not install it: ${lastLine(stderr) ?? (error as Error).message}`);
  }
  return findOnPath('redis-server');
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trim().split('\n').at(-1) || undefined;
}
