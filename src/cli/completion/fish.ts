/** Completion for fish, with descriptions: it starts no process. */
import { type CompletedCommand, type CompletedOption, inside } from './commands.js';

export function fishScript(commands: readonly CompletedCommand[]): string {
  const helpOf = new Map(commands.map(({ path, help }) => [path, help]));
  const taking = commands.flatMap(({ options }) => options.filter(({ takes }) => takes !== 'nothing'));
  const names = new Set(taking.flatMap((option) => option.names));
  const paths = commands.flatMap((each) => each.commands.map((name) => quoted(inside(each, name))));
  return `# Completion of redis-tokens for fish, as by: redis-tokens completion fish | source
function __redis_tokens_in
  set -l command
  set -l skip
  for word in (commandline -opc)[2..-1]
    if test -n "$skip"
      set skip
    else if contains -- $word ${[...names].join(' ')}
      set skip 1
    else if contains -- "$command $word" ${paths.join(' ')}
      set command (string trim -- "$command $word")
    end
  end
  test "$command" = "$argv"
end
complete -c redis-tokens -f
${commands.flatMap((command) => linesOf(command, helpOf)).join('\n')}
`;
}

function linesOf(command: CompletedCommand, helpOf: Map<string, string>): string[] {
  const { path, commands, options, argument } = command;
  const condition = ` -n ${quoted(`__redis_tokens_in ${quoted(path)}`)}`;
  // Those of the program go with every command.
  const optionCondition = path === '' ? '' : condition;
  return [
    ...commands.map((name) =>
      line(condition, `-a ${name}`, helpOf.get(path === '' ? name : `${path} ${name}`) ?? ''),
    ),
    ...(argument?.choices ?? []).map((choice) => line(condition, `-a ${choice}`, argument?.name ?? '')),
    ...options.map((option) => line(optionCondition, flagsOf(option), option.help)),
  ];
}

const line = (condition: string, what: string, help: string): string =>
  `complete -c redis-tokens${condition} ${what} -d ${quoted(help)}`;

function flagsOf({ names, takes, choices }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takes === 'nothing' ? '' : ' -x';
  return `${flags.join(' ')}${value}`;
}

const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
