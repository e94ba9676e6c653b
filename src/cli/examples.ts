/** Examples in a command's help, as they can be copied. */
import type { Command } from 'commander';
import { paint } from './output.js';

/** @param lines what stands behind the name of the program. */
export const addExamples = (command: Command, lines: readonly string[]): Command =>
  command.addHelpText('after', () =>
    ['', paint('bold', 'Examples:'), ...lines.map((line) => `  redis-tokens ${line}`)].join('\n'),
  );
