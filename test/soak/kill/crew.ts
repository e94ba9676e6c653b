// Worker processes that are killed, frozen and woken.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PLAIN, type Program, start } from '../../acceptance/processes.js';
import { root } from '../../support/sources.js';

/** The package as it is published, built of the sources as they are: it starts in a fraction of the time. */
export class Build {
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-tokens-kill-'));

  /** The command line's program. */
  get command(): string {
    return join(this.#folder, 'dist/cli/main.js');
  }

  async make(): Promise<void> {
    copyFileSync(join(root, 'package.json'), join(this.#folder, 'package.json'));
    for (const part of ['config', 'node_modules']) symlinkSync(join(root, part), join(this.#folder, part));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const out = ['-p', 'tsconfig.build.json', '--outDir', join(this.#folder, 'dist')];
    const compiler = spawn(process.execPath, [tsc, ...out], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    compiler.stdout.on('data', (text) => {
      said += text;
    });
    const [code] = await once(compiler, 'close');
    if (code !== 0) throw new Error(`the sources can not be built:\n${said}`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Moments that are looked at before a worker is killed all the same. */
const TRIES = 20;

/** What stopped processes have sent is carried out by then, in ms. */
const STANDS_STILL = 20;

export class Crew {
  readonly #env: Record<string, string>;
  readonly #command: string;
  readonly #workers: Program[] = [];
  readonly #frozen = new Set<Program>();
  /** What workers complained of, in the order in which it came. */
  readonly complaints: string[] = [];

  constructor(command: string, env: Record<string, string>) {
    this.#command = command;
    this.#env = env;
  }

  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#hire()));
  }

  /** Those that run, and are not frozen. */
  get awake(): Program[] {
    return this.#workers.filter((worker) => !this.#frozen.has(worker));
  }

  /** Kills a worker; resolves when it is gone. Another takes its place with `replace`. */
  async kill(worker: Program): Promise<void> {
    worker.kill('SIGKILL');
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    const { signal } = await worker.ended;
    this.complaints.push(...worker.stderr);
    if (signal !== 'SIGKILL') throw new Error(`a worker ended by itself: ${worker.stderr.join('\n')}`);
  }

  /** Kills a worker while all of them stand still, at a moment that is a good one. */
  async killAt(worker: Program, isGood: () => Promise<boolean>): Promise<void> {
    const held = this.awake;
    for (let tries = 0; tries < TRIES; tries++) {
      for (const one of held) one.kill('SIGSTOP');
      await wait(STANDS_STILL);
      if (await isGood()) break;
      for (const one of held) one.kill('SIGCONT');
      await wait(tries);
    }
    const killed = this.kill(worker);
    for (const one of held) if (one !== worker) one.kill('SIGCONT');
    await killed;
  }

  replace(): Promise<void> {
    return this.#hire();
  }

  /** Holds all of them up until so many jobs wait as to keep each busy. */
  async holdUp(untilMany: () => Promise<unknown>): Promise<void> {
    const held = this.awake;
    for (const worker of held) worker.kill('SIGSTOP');
    try {
      await untilMany();
    } finally {
      for (const worker of held) worker.kill('SIGCONT');
    }
  }

  freeze(worker: Program): void {
    worker.kill('SIGSTOP');
    this.#frozen.add(worker);
  }

  wake(worker: Program): void {
    worker.kill('SIGCONT');
    this.#frozen.delete(worker);
  }

  /** Ends all of them as an operator would. Each must still be able to. */
  async dismiss(): Promise<void> {
    for (const worker of this.#workers) worker.kill('SIGTERM');
    for (const worker of this.#workers.splice(0)) {
      const { code } = await worker.ended;
      this.complaints.push(...worker.stderr);
      if (code !== 0) throw new Error(`a worker ended with ${code}: ${worker.stderr.join('\n')}`);
    }
  }

  async #hire(): Promise<void> {
    const worker = start([this.#command, 'worker'], { ...PLAIN, ...this.#env });
    await worker.line('redis-tokens worker is ready');
    this.#workers.push(worker);
  }
}
