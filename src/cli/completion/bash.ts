/** Completion for bash, from version 3.2 on: it starts no process. */
import { type CompletedCommand, type CompletedOption, inside, quoted } from './commands.js';

export function bashScript(commands: readonly CompletedCommand[]): string {
  const [program] = commands as [CompletedCommand];
  const everywhere = program.options.flatMap(({ names }) => names);
  const optionsOf = ({ options }: CompletedCommand) =>
    options.flatMap(({ names }) => names).filter((name) => !everywhere.includes(name));
  return `# Completion of redis-tokens for bash, as by: source <(redis-tokens completion bash)
_redis_tokens() {
  local command='' option='' many='' words='' options='' choices='' word i
  local current=\${COMP_WORDS[COMP_CWORD]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      =) ;;
      -*)
        option='' many=''
        case "$command $word" in
${line(patterns(commands, 'one'), 'option=$word')}
${line(patterns(commands, 'many'), 'option=$word many=1')}
        esac ;;
      *)
        if [[ -n $option ]]; then
          [[ -n $many ]] || option=''
          continue
        fi
        case "$command $word" in
${line(
  commands.flatMap((each) => each.commands.map((name) => quoted(inside(each, name)))),
  '[[ -z $command ]] || command+=" "; command+=$word',
)}
        esac ;;
    esac
  done
  [[ $current != = ]] || current=''
  case "$command $option" in
${withChoices(commands)
  .map(([pattern, { choices }]) => line([pattern], `choices=${listed(choices)}`))
  .join('\n')}
  esac
  case $command in
${commands
  .map((each) =>
    line([quoted(each.path)], `words=${listed(wordsOf(each))} options=${listed(optionsOf(each))}`),
  )
  .join('\n')}
  esac
  options="$options ${everywhere.join(' ')}"
  if [[ $current == -* ]]; then choices=$options
  elif [[ -z $option ]]; then choices=\${words:-$options}
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -F _redis_tokens redis-tokens
`;
}

const line = (cases: readonly string[], then: string): string => `    ${cases.join('|')}) ${then} ;;`;

const listed = (words: readonly string[]): string => quoted(words.join(' '));

const wordsOf = ({ commands, argument }: CompletedCommand): string[] => [
  ...commands,
  ...(argument?.choices ?? []),
];

/** An option of the program goes with every command. */
const patternsOf = (command: CompletedCommand, { names }: CompletedOption): string[] =>
  names.map((name) => (command.path === '' ? `*${quoted(` ${name}`)}` : quoted(inside(command, name))));

const patterns = (commands: readonly CompletedCommand[], takes: CompletedOption['takes']): string[] =>
  commands.flatMap((command) =>
    command.options
      .filter((option) => option.takes === takes)
      .flatMap((option) => patternsOf(command, option)),
  );

const withChoices = (commands: readonly CompletedCommand[]): [pattern: string, option: CompletedOption][] =>
  commands.flatMap((command) =>
    command.options
      .filter(({ choices }) => choices.length > 0)
      .map((option): [string, CompletedOption] => [patternsOf(command, option).join('|'), option]),
  );
