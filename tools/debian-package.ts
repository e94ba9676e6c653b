// Programs that must be there: the one on the PATH, or else Debian's package, installed.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Log = (line: string) => void;

// flock: test processes that start together would fight over apt's locks, so one installs and the others wait.
// policy-rc.d: exit code 101 is how Debian lets an administrator forbid that a package starts its service. One that
// exists already is the administrator's, and is left alone. The package also enables its service for the next boot;
// its program was not there before this script, so that service is nobody's, and is switched off again.
const INSTALL_SCRIPT = `
set -e
command -v "$1" >/dev/null && exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod +x "$policy"
fi
install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=180 "$1"; }
install "$1" || { apt-get update -q && install "$1"; }
if command -v systemctl >/dev/null; then systemctl disable "$1" >/dev/null 2>&1 || true; fi
`;

export function findOnPath(command: string): string | undefined {
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

/** Whether a package can be installed for a program that is not there. */
export function canInstall(command: string): boolean {
  return (
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    findOnPath('apt-get') !== undefined &&
    findOnPath('flock') !== undefined &&
    // One that is there and too old: its package is what apt has.
    findOnPath(command) === undefined
  );
}

/** Installs the package that has the name of its program. Resolves to where that is, if it is anywhere. */
export async function installPackage(name: string, log: Log): Promise<string | undefined> {
  const lock = join(tmpdir(), 'redis-tokens-apt.lock');
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    NEEDRESTART_SUSPEND: '1',
    RUNLEVEL: '1',
  };
  const install = ['-w', '600', lock, 'sh', '-c', INSTALL_SCRIPT, 'sh', name];
  try {
    await run('flock', install, { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    log(`apt-get could not install ${name}: ${lastLine(stderr) ?? (error as Error).message}`);
  }
  return findOnPath(name);
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trim().split('\n').at(-1) || undefined;
}
