/**
 * Completion for bash: one function, which walks the words before the cursor along the tree of commands, and tables
 * of what there is at each place. Needs nothing of the package bash-completion.
 */

import { type CommandModel, flatten, type ValueModel } from '../reference/model.ts';
import { ADAPTERS_COMMAND } from './shells.ts';

/** Words that stand for something to be found at that moment, in the tables. */
const FILE = '@file';
const ADAPTER = '@adapter';
const COMMAND = '@command';
/** A value that nobody can guess. */
const TEXT = '@text';

export function bashScript(model: CommandModel): string {
  const commands = flatten(model);
  const names = model.commands.map(({ words }) => words.join(' '));
  return `# bash completion for typetun: source <(typetun completion bash)

# The commands below the command $1.
_typetun_commands() {
  case $1 in
${cases(commands, ({ commands: below }) => below.map(({ words }) => words.at(-1)!))}
  esac
}

# The options of the command $1.
_typetun_options() {
  case $1 in
${cases(commands, ({ options }) => options.flatMap((option) => option.names))}
  esac
}

# What the option $2 of the command $1 takes; nothing for a flag.
_typetun_value() {
  case "$1 $2" in
${commands.flatMap(optionCases).join('\n')}
  esac
}

# What argument number $2 of the command $1 is.
_typetun_argument() {
  case "$1 $2" in
${commands.flatMap((command) => argumentCases(command, names)).join('\n')}
  esac
}

# Offers those of the words $1 that begin with what is there already.
_typetun_offer() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=$1 IFS=$' \\t\\n'
  case $words in
    ${TEXT}) return ;;
    ${FILE})
      compopt -o filenames 2> /dev/null
      IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    ${COMMAND})
      COMPREPLY=($(compgen -c -- "$current"))
      return
      ;;
    ${ADAPTER}) words=$("\${COMP_WORDS[0]}" ${ADAPTERS_COMMAND} 2> /dev/null) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

_typetun() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' count=0 value='' word='' at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ -n $value ]]; then
      value=''
    elif [[ $word == -- ]]; then
      _typetun_rest "$command" "$((at + 1))"
      return
    elif [[ $word == -* ]]; then
      value=$(_typetun_value "$command" "$word")
    elif [[ " $(_typetun_commands "$command") " == *" $word "* ]]; then
      command="\${command:+$command }$word"
    else
      if [[ $(_typetun_argument "$command" 0) == ${COMMAND} ]]; then
        _typetun_rest "$command" "$at"
        return
      fi
      count=$((count + 1))
    fi
  done
  if [[ -n $value ]]; then
    _typetun_offer "$value"
  elif [[ $current == -* ]]; then
    _typetun_offer "$(_typetun_options "$command")"
  else
    word=''
    ((count == 0)) && word=$(_typetun_commands "$command")
    _typetun_offer "\${word:-$(_typetun_argument "$command" "$count")}"
  fi
}

# Behind the command that another program is, from word $2 on: that program's own.
_typetun_rest() {
  [[ $(_typetun_argument "$1" 0) == ${COMMAND} ]] || return 0
  if ((COMP_CWORD == $2)); then
    _typetun_offer ${COMMAND}
  else
    _typetun_offer ${FILE}
  fi
}

complete -F _typetun typetun
`;
}

function cases(
  commands: readonly CommandModel[],
  words: (command: CommandModel) => readonly string[],
): string {
  return commands
    .filter((command) => words(command).length > 0)
    .map((command) => `    '${command.words.join(' ')}') echo '${words(command).join(' ')}' ;;`)
    .join('\n');
}

function optionCases(command: CommandModel): string[] {
  return command.options.flatMap(({ names, value }) =>
    value === undefined
      ? []
      : [
          `    ${names.map((name) => `'${command.words.join(' ')} ${name}'`).join(' | ')}) echo '${wordsOf(value) || TEXT}' ;;`,
        ],
  );
}

function argumentCases(command: CommandModel, commands: readonly string[]): string[] {
  return command.arguments.flatMap(({ value, variadic }, at) => {
    const words = value.kind === 'subcommand' ? commands.join(' ') : wordsOf(value);
    if (words === '') return [];
    const number = variadic ? '*' : String(at);
    return [`    '${command.words.join(' ')} '${number}) echo '${words}' ;;`];
  });
}

function wordsOf({ kind, choices }: ValueModel): string {
  if (kind === 'choice') return choices.join(' ');
  return { file: FILE, adapter: ADAPTER, command: COMMAND, subcommand: '', text: '' }[kind];
}
