// `npm start`: a worker with a Redis of its own, and nothing left of either.
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Child, runProcess as run } from '../cli/command.js';

describe('npm start', function () {
  this.timeout(60_000);

  for (const [what, ask] of [
    ['SIGTERM to npm', (npm: number) => process.kill(npm, 'SIGTERM')],
    ['Ctrl-C, which goes to all', (npm: number) => process.kill(-npm, 'SIGINT')],
  ] as const) {
    it(`brings its own Redis, and leaves nothing after ${what}`, async () => {
      // A group of its own, as a terminal would make it.
      const npm = new Child('npm', ['start'], {}, true);
      let family: number[] = [];
      try {
        await npm.says(/ready on redis:/);
        const pid = npm.process.pid as number;
        family = [pid, ...descendants(pid)];
        const url = /ready on (\S+)/.exec(npm.stdout)?.[1] ?? '';
        expect(url).match(/^redis:\/\/127\.0\.0\.1:\d+$/);
        expect(await run(['health', '--url', url])).include({ status: 0 });
        ask(pid);
        const deadline = Date.now() + 8_000;
        while (family.some(isAlive) && Date.now() < deadline) await wait(20);
        expect(commandsOf(family.filter(isAlive))).deep.equal([]);
        expect(npm.stdout).contain('the worker has ended');
      } finally {
        for (const left of family.filter(isAlive)) process.kill(left, 'SIGKILL');
        await npm.kill();
      }
    });
  }
});

/** The processes that a process has started, and those that these have. */
function descendants(pid: number): number[] {
  const children = processes().filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child.pid, ...descendants(child.pid)]);
}

const commandsOf = (pids: number[]): string[] =>
  processes().flatMap(({ pid, command }) => (pids.includes(pid) ? [`${pid} ${command}`] : []));

function processes(): { pid: number; parent: number; command: string }[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, ...command] = line.trim().split(/ +/);
      return { pid: Number(pid), parent: Number(parent), command: command.join(' ') };
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
