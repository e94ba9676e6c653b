// What the program says of itself, read from its help: so a test asks every command, also one that it does not know.
import { expect } from 'chai';
import { run } from './in-process.js';

export interface HelpedCommand {
  path: string[];
  /** Long names. */
  options: string[];
  /** Whole lines, as they stand there to be copied. */
  examples: string[];
}

export async function commandsOf(path: readonly string[] = []): Promise<HelpedCommand[]> {
  const { status, stdout, stderr } = await run([...path, '--help']);
  expect({ status, stderr }, path.join(' ')).deep.equal({ status: 0, stderr: '' });
  const section = (title: string, line: RegExp): string[] =>
    [...(stdout.split(`\n${title}:\n`)[1]?.split('\n\n')[0] ?? '').matchAll(line)].map(
      ([, found = '']) => found,
    );
  const children = section('Commands', /^ {2}([\w-]+)/gm).filter((name) => name !== 'help');
  const below = await Promise.all(children.map((name) => commandsOf([...path, name])));
  if (path.length === 0) return below.flat();
  const options = section('Options', /^ {2}(?:-\w, )?(--[\w-]+)/gm);
  return [{ path: [...path], options, examples: section('Examples', /^ {2}(\S.*)$/gm) }, ...below.flat()];
}
