// Finds a redis-server to run: the one on the PATH, else Debian's package, else a build by redis-memory-server.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { canInstall, findOnPath, installPackage, type Log } from './debian-package.js';

const run = promisify(execFile);

/** The Lua scripts declare flags with `#!lua`, which Redis understands since 7.0. */
const MINIMUM_MAJOR = 7;

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
  if (canInstall('redis-server')) {
    log('Redis: no redis-server on the PATH; installing the package redis-server with apt-get');
    const installed = await usable(await installPackage('redis-server', log), log);
    if (installed !== undefined) return installed;
  }
  log('Redis: no redis-server to be had otherwise; redis-memory-server downloads and compiles one (minutes)');
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
