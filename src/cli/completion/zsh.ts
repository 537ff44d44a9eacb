/**
 * Completion for zsh: one function, which walks the words before the cursor along the tree of commands, and tables
 * with descriptions of what there is at each place. To be sourced, or put as `_typetun` into $fpath.
 */

import { type CommandModel, flatten, type ValueModel } from '../reference/model.ts';
import { ADAPTERS_COMMAND } from './shells.ts';

export function zshScript(model: CommandModel): string {
  const commands = flatten(model);
  return `#compdef typetun
# zsh completion for typetun: typetun completion zsh > "\${fpath[1]}/_typetun"

# Sets reply to the commands below the command $1, with descriptions.
_typetun_commands() {
  reply=()
  case $1 in
${cases(commands, ({ commands: below }) => below.map((one) => item(one.words.at(-1)!, one.description)))}
  esac
}

# Sets reply to the options of the command $1, with descriptions.
_typetun_options() {
  reply=()
  case $1 in
${cases(commands, ({ options }) => options.flatMap(({ names, description }) => names.map((name) => item(name, description))))}
  esac
}

# Sets reply to what the option $2 of the command $1 takes; to nothing for a flag.
_typetun_value() {
  reply=()
  case "$1 $2" in
${commands.flatMap(optionCases).join('\n')}
  esac
}

# Sets reply to what argument number $2 of the command $1 is.
_typetun_argument() {
  reply=()
  case "$1 $2" in
${commands.flatMap((command) => argumentCases(command, model)).join('\n')}
  esac
}

# Offers what the words in reply stand for.
_typetun_offer() {
  case $reply[1] in
    @text | '') return 1 ;;
    @file) _files ;;
    @command) _command_names -e ;;
    @adapter) compadd -- \${(f)"$("$words[1]" ${ADAPTERS_COMMAND} 2> /dev/null)"} ;;
    *) compadd -- $reply ;;
  esac
}

_typetun() {
  local command='' word='' at count=0 value=''
  local -a reply names
  for ((at = 2; at < CURRENT; at++)); do
    word=$words[at]
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    if [[ $word == -- ]]; then
      _typetun_rest "$command" $((at + 1))
      return
    fi
    if [[ $word == -* ]]; then
      _typetun_value "$command" "$word"
      value=$reply[1]
      continue
    fi
    _typetun_commands "$command"
    names=(\${reply%%:*})
    if (( \${names[(Ie)$word]} )); then
      command="\${command:+$command }$word"
      continue
    fi
    _typetun_argument "$command" 0
    if [[ $reply[1] == @command ]]; then
      _typetun_rest "$command" $at
      return
    fi
    ((count++))
  done
  if [[ -n $value ]]; then
    _typetun_value "$command" "$word"
    _typetun_offer
  elif [[ $words[CURRENT] == -* ]]; then
    _typetun_options "$command"
    _describe -o option reply
  else
    _typetun_commands "$command"
    if (( $#reply && count == 0 )); then
      _describe command reply
    else
      _typetun_argument "$command" $count
      _typetun_offer
    fi
  fi
}

# Behind the command that another program is, from word $2 on: that program's own.
_typetun_rest() {
  _typetun_argument "$1" 0
  [[ $reply[1] == @command ]] || return 1
  if ((CURRENT == $2)); then
    _command_names -e
  else
    words=($words[$2,-1])
    ((CURRENT -= $2 - 1))
    _normal
  fi
}

if [[ $funcstack[1] == _typetun ]]; then
  _typetun "$@"
else
  compdef _typetun typetun
fi
`;
}

/** `name:what it does`, quoted. A colon in a name would end it; none has one. */
function item(name: string, description: string): string {
  return quoted(description === '' ? name : `${name}:${description.replaceAll('\n', ' ')}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function cases(
  commands: readonly CommandModel[],
  items: (command: CommandModel) => readonly string[],
): string {
  return commands
    .filter((command) => items(command).length > 0)
    .map((command) => `    '${command.words.join(' ')}') reply=(${items(command).join(' ')}) ;;`)
    .join('\n');
}

function optionCases(command: CommandModel): string[] {
  return command.options.flatMap(({ names, value }) =>
    value === undefined
      ? []
      : [
          `    ${names.map((name) => `'${command.words.join(' ')} ${name}'`).join(' | ')}) reply=(${wordsOf(value)}) ;;`,
        ],
  );
}

function argumentCases(command: CommandModel, model: CommandModel): string[] {
  return command.arguments.map(({ value, variadic }, at) => {
    const names = model.commands.map(({ words }) => words.join(' '));
    const words = value.kind === 'subcommand' ? names.join(' ') : wordsOf(value);
    return `    '${command.words.join(' ')} '${variadic ? '*' : at}) reply=(${words}) ;;`;
  });
}

function wordsOf({ kind, choices }: ValueModel): string {
  return kind === 'choice' ? choices.join(' ') : `@${kind}`;
}
