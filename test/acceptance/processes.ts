// Starts programs as processes of their own, and sees to it that none outlives its test.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../support/sources.js';

export interface Program {
  readonly pid: number;
  readonly stdout: string[];
  readonly stderr: string[];
  /** Resolves with the first line of its output, also one told already, that the text begins with. */
  line(beginning: string): Promise<string>;
  /** Writes to its standard input, and ends it where asked to. */
  write(text: string, end?: boolean): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended and all of its output was read. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Workers speak plainly, and do not quarrel about a port. */
export const PLAIN = { REDIS_TOKENS_LOG: 'text', REDIS_TOKENS_HTTP_PORT: 'off' };

const running = new Set<ChildProcess>();

/** For `afterEach`: kills what a failed test left running. */
export function killPrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A program of this folder, which finds its arguments in `process.argv[2]` as JSON. */
export function startProgram(name: string, args: unknown): Program {
  const file = join(import.meta.dirname, 'processes', `${name}.ts`);
  return start(['--import', 'tsx', file, JSON.stringify(args)]);
}

/** The command line of the package, from its sources. */
export function startCommand(args: readonly string[], env: Record<string, string>): Program {
  return start(['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], { ...PLAIN, ...env });
}

export function start(args: readonly string[], env: Record<string, string> = {}, cwd = root): Program {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env } });
  running.add(child);
  const stdout: string[] = [];
  const stderr: string[] = [];
  const waiting = new Set<() => void>();
  const told = () => {
    for (const look of waiting) look();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout.push(line);
    told();
  });
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  child.stdin.on('error', () => {}); // it may be gone before it has read
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
      told();
    });
  });
  return {
    pid: child.pid as number,
    stdout,
    stderr,
    line: (beginning) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = stdout.find((text) => text.startsWith(beginning));
          if (line === undefined && running.has(child)) return;
          waiting.delete(look);
          if (line !== undefined) resolve(line);
          else reject(new Error(`it ended without telling "${beginning}": ${stderr.join('\n')}`));
        };
        waiting.add(look);
        look();
      }),
    write: (text, end = false) => (end ? child.stdin.end(text) : child.stdin.write(text)),
    kill: (signal) => child.kill(signal),
    ended,
  };
}
