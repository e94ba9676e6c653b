// A process of its own that answers questions: asked from outside by `Child`, answered inside by `answer`.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

interface Question {
  name: string;
  argument: unknown;
}

type Answer = { value: unknown } | { error: string };

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One question at a time. */
export class Child {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a program of this folder; its flags are Node's. */
  static async start(program: string, url: string, ...flags: string[]): Promise<Child> {
    const child = fork(join(import.meta.dirname, `${program}.ts`), [url], {
      execArgv: [...process.execArgv, ...flags],
      serialization: 'advanced',
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const asker = new Child(child);
    await asker.#reply();
    return asker;
  }

  async ask<T = void>(name: string, argument?: unknown): Promise<T> {
    if (!this.#child.connected) throw new Error('a process of the benchmark ended early');
    const reply = this.#reply();
    this.#child.send({ name, argument } satisfies Question);
    return (await reply) as T;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL'); // it keeps nothing, and Redis is ours
    await exit;
  }

  #reply(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const exited = () => reject(new Error('a process of the benchmark ended early'));
      this.#child.once('exit', exited);
      this.#child.once('message', (answer: Answer) => {
        this.#child.off('exit', exited);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.value);
      });
    });
  }
}

/** Within such a process: microseconds of processor time since its start. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Within such a process: what it can be asked. */
export function answer(questions: Record<string, (argument: never) => unknown>): void {
  const send = (reply: Answer) => process.send?.(reply);
  process.on('message', async ({ name, argument }: Question) => {
    try {
      send({ value: await questions[name]?.(argument as never) });
    } catch (error) {
      send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
  send({ value: undefined });
}
