/** `redis-tokens completion`: a script that completes what the program takes, for a shell to read as it starts. */
import type { Command } from 'commander';
import { bashScript } from './bash.js';
import { type CompletedCommand, completedCommands } from './commands.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Record<Shell, (commands: readonly CompletedCommand[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const completionScript = (program: Command, shell: Shell): string =>
  SCRIPTS[shell](completedCommands(program));
