// Runs the real command as a child process, from its sources.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = join(import.meta.dirname, '../..');
const ENTRY = ['--import', 'tsx', join(root, 'src/cli/main.ts')];

/** Milliseconds after which a child is taken to hang. */
const PATIENCE = 15_000;

export interface Surroundings {
  env?: Record<string, string>;
  /** What standard input holds. Default: nothing. */
  input?: string;
}

export interface Ended {
  /** Exit status; 128 + n for one that a signal ended. */
  status: number;
  stdout: string;
  stderr: string;
}

/** A child process whose output can be waited for. */
export class Child {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #leadsGroup: boolean;

  /** @param leadsGroup gives it a process group of its own, as a terminal would; `kill` ends all of it. */
  constructor(
    file: string,
    args: readonly string[],
    { env = {}, input = '' }: Surroundings = {},
    leadsGroup = false,
  ) {
    this.#leadsGroup = leadsGroup;
    this.process = spawn(file, args, {
      cwd: root,
      env: { ...plainEnvironment(), ...env },
      detached: leadsGroup,
    });
    const { stdin, stdout, stderr } = this.process;
    stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    stdin?.on('error', () => {}); // a child that does not read it
    stdin?.end(input);
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('close', (code) =>
        resolve({ status: code ?? -1, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Resolves when its output, of either kind, matches. */
  async says(pattern: RegExp): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!pattern.test(this.stdout + this.stderr)) {
      if (!this.isRunning || Date.now() > deadline) {
        throw new Error(`${pattern} was not said, but\n${this.stdout}${this.stderr}`);
      }
      await wait(10);
    }
  }

  /** Ends it for sure, where a test has not. */
  async kill(): Promise<void> {
    if (this.isRunning)
      process.kill(
        this.#leadsGroup ? -(this.process.pid as number) : (this.process.pid as number),
        'SIGKILL',
      );
    await this.ended;
  }
}

/** Starts `redis-tokens …` and does not wait. */
export function start(args: readonly string[], surroundings?: Surroundings): Child {
  return new Child(process.execPath, [...ENTRY, ...args], surroundings);
}

/** Runs `redis-tokens …` to its end, as a process: `run` of in-process.ts is faster where that is not what is tested. */
export async function runProcess(args: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  const child = start(args, surroundings);
  const timer = setTimeout(() => child.process.kill('SIGKILL'), PATIENCE);
  return child.ended.finally(() => clearTimeout(timer));
}

/** The command as a shell would be given it. */
export const shellCommand = (args: string): string =>
  `${[process.execPath, ...ENTRY].map((word) => `'${word}'`).join(' ')} ${args}`;

/** Without what a developer, or npm, may have set; workers speak plainly, and do not quarrel about a port. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(REDIS_|NODE_CONFIG|NODE_OPTIONS$|NODE_ENV$|npm_|TEST_COUNTS_FILE$|FORCE_COLOR$|NO_COLOR$|CI$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), REDIS_TOKENS_LOG: 'text', REDIS_TOKENS_HTTP_PORT: 'off' };
}
