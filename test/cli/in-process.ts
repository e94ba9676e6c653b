// Runs the command in the process of the test: what it does is the same, without the time that a process takes to start.
import { Readable, Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { type Ended, plainEnvironment, type Surroundings } from './command.js';

/** As the command itself imports what it needs later: a test file's own imports are other copies of the same modules. */
const program = import('../../src/cli/program.js');

interface Terminal {
  /** Whether what it writes to says that it is one. Default: it is a pipe. */
  terminal?: boolean;
}

const { getColorDepth, hasColors } = WriteStream.prototype;
const TERMINAL = { isTTY: true, getColorDepth, hasColors };

type Stream = 'stdin' | 'stdout' | 'stderr';

/** One at a time: streams, the environment and what listens to signals are the process's own. */
let turn: Promise<unknown> = Promise.resolve();

/** Runs `redis-tokens …` to its end. For the worker there is `start`: it ends the process where it hangs. */
export function run(args: readonly string[], surroundings?: Surroundings & Terminal): Promise<Ended> {
  const ended = turn.then(() => runNow(args, surroundings));
  turn = ended.catch(() => {});
  return ended;
}

async function runNow(
  args: readonly string[],
  { env = {}, input = '', terminal = false }: Surroundings & Terminal = {},
): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr') =>
    Object.assign(
      new Writable({
        decodeStrings: false,
        write(text, _encoding, done) {
          said[stream] += text;
          done();
        },
      }),
      terminal ? TERMINAL : {},
    );
  const { runCommand } = await program;
  const restore = [
    replace('stdin', Readable.from(input === '' ? [] : [input])),
    replace('stdout', into('stdout')),
    replace('stderr', into('stderr')),
    replaceEnvironment({ ...plainEnvironment(), ...env }),
    keepSignals(),
  ];
  try {
    return { status: await runCommand(args), ...said };
  } finally {
    for (const back of restore) back();
  }
}

function replace(name: Stream, stream: Readable | Writable): () => void {
  const own = Object.getOwnPropertyDescriptor(process, name) as PropertyDescriptor;
  Object.defineProperty(process, name, { value: stream, configurable: true });
  return () => Object.defineProperty(process, name, own);
}

function replaceEnvironment(env: NodeJS.ProcessEnv): () => void {
  const own = process.env;
  process.env = env;
  return () => {
    process.env = own;
  };
}

/** A command listens to signals for as long as its process lives. */
function keepSignals(): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const known = signals.map((signal) => process.listeners(signal));
  return () => {
    for (const [i, signal] of signals.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!known[i]?.includes(listener)) process.off(signal, listener);
      }
    }
  };
}
