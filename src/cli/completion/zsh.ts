/** Completion for zsh, with descriptions: it starts no process. */
import { type CompletedCommand, type CompletedOption, quoted } from './commands.js';

export function zshScript(commands: readonly CompletedCommand[]): string {
  const [program] = commands as [CompletedCommand];
  const helpOf = new Map(commands.map(({ path, help }) => [path, help]));
  return `#compdef redis-tokens
# Completion of redis-tokens for zsh, as by: source <(redis-tokens completion zsh)
${commands.map((command) => functionOf(command, program, helpOf)).join('\n')}
compdef _redis_tokens redis-tokens
`;
}

const nameOf = (path: string): string => `_redis_tokens${path && `_${path.replaceAll(/[ -]/g, '_')}`}`;

function functionOf(
  command: CompletedCommand,
  program: CompletedCommand,
  helpOf: Map<string, string>,
): string {
  const { path, commands, argument } = command;
  const own = command === program ? [] : program.options;
  const known = new Set(command.options.flatMap(({ names }) => names));
  const options = [...command.options, ...own.filter(({ names }) => !names.some((name) => known.has(name)))];
  const specs = options.flatMap(specsOf);
  if (commands.length === 0) {
    if (argument) specs.push(`*:${escaped(argument.name)}:${actionOf(argument.choices)}`);
    return body(path, [`_arguments ${specs.map(quoted).join(' ')}`]);
  }
  const childOf = (name: string) => (path === '' ? name : `${path} ${name}`);
  const described = commands.map((name) => quoted(`${name}:${helpOf.get(childOf(name)) ?? ''}`));
  return body(path, [
    'local state',
    `_arguments -C ${[...specs, '1:command:->command', '*::argument:->argument'].map(quoted).join(' ')}`,
    'case $state in',
    `  command) local -a commands=(${described.join(' ')}); _describe command commands ;;`,
    `  argument) case $words[1] in ${commands.map((name) => `${name}) ${nameOf(childOf(name))} ;;`).join(' ')} esac ;;`,
    'esac',
  ]);
}

const body = (path: string, lines: readonly string[]): string =>
  `${nameOf(path)}() {\n${lines.map((each) => `  ${each}`).join('\n')}\n}`;

function specsOf({ names, help, takes, choices }: CompletedOption): string[] {
  const value = takes === 'nothing' ? '' : `:value:${actionOf(choices)}`;
  const again = takes === 'many' ? '*' : '';
  return names.map((name) => `${again}${name}[${escaped(help)}]${value}`);
}

const actionOf = (choices: readonly string[]): string =>
  choices.length > 0 ? `(${choices.join(' ')})` : ' ';

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');
