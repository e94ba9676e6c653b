/** What can be completed, as the program itself says: every command, with its options and what these may be. */
import type { Argument, Command, Option } from 'commander';

export interface CompletedOption {
  /** Such as `-h` and `--help`. */
  names: string[];
  help: string;
  takes: 'nothing' | 'one' | 'many';
  choices: readonly string[];
}

export interface CompletedCommand {
  /** The names that lead to it, with spaces between them; empty for the program itself. */
  path: string;
  help: string;
  /** Names of the commands in it. */
  commands: string[];
  /** Its own; those of the program go with every command. */
  options: CompletedOption[];
  /** What its argument may be, where it has one. */
  argument: { name: string; choices: readonly string[] } | undefined;
}

/** The program first, and every command before those in it. */
export function completedCommands(command: Command, parents: readonly string[] = []): CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  return [
    {
      path: parents.join(' '),
      help: command.description(),
      commands: children.map((child) => child.name()),
      options: help.visibleOptions(command).map(completedOption),
      argument: argument && completedArgument(argument),
    },
    ...children.flatMap((child) => completedCommands(child, [...parents, child.name()])),
  ];
}

/** What comes behind the path of a command, as the shells' scripts look it up. */
export const inside = ({ path }: CompletedCommand, word: string): string => `${path} ${word}`;

const completedOption = (option: Option): CompletedOption => ({
  names: [option.short, option.long].filter((name) => name !== undefined),
  help: option.description,
  takes: option.variadic ? 'many' : option.required || option.optional ? 'one' : 'nothing',
  choices: option.argChoices ?? [],
});

const completedArgument = (argument: Argument) => ({
  name: argument.name(),
  choices: argument.argChoices ?? [],
});

/** For a script: so that nothing in it is more than text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
