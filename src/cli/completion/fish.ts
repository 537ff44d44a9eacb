/** Completion for fish: a line for each command, option and value, with the place where it holds as its condition. */

import {
  type ArgumentModel,
  type CommandModel,
  flatten,
  type OptionModel,
  type ValueModel,
} from '../reference/model.ts';
import { ADAPTERS_COMMAND } from './shells.ts';

export function fishScript(model: CommandModel): string {
  const commands = flatten(model);
  const valued = commands.flatMap(({ words, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined ? [] : names.map((name) => quoted([...words, name].join(' '))),
    ),
  );
  const paths = commands.filter(({ words }) => words.length > 0);
  const passing = commands.filter((command) => command.arguments[0]?.value.kind === 'command');
  return `# fish completion for typetun: typetun completion fish > ~/.config/fish/completions/typetun.fish

# Prints the command that the words before the cursor lead to, and on lines of their own how many arguments of it
# there are, and which word is the first of another program's.
function __typetun_place
    set -l commands ${paths.map(({ words }) => quoted(words.join(' '))).join(' ')}
    set -l valued ${valued.join(' ')}
    set -l passing ${passing.map(({ words }) => quoted(words.join(' '))).join(' ')}
    set -l words (commandline -opc)
    set -l place
    set -l count 0
    set -l skip 0
    set -l start ''
    for i in (seq 2 (count $words))
        set -l word $words[$i]
        set -l passes 0
        contains -- (string join -- ' ' $place) $passing; and set passes 1
        if test $skip = 1
            set skip 0
        else if test "$word" = -- -a $passes = 1
            set start (math $i + 1)
            break
        else if string match -q -- '-*' $word
            contains -- (string join -- ' ' $place $word) $valued; and set skip 1
        else if contains -- (string join -- ' ' $place $word) $commands
            set place $place $word
        else if test $passes = 1
            set start $i
            break
        else
            set count (math $count + 1)
        end
    end
    echo (string join -- ' ' $place)
    echo $count
    echo $start
end

# Whether the cursor is at the command $argv[1], and behind $argv[2] of its arguments, if that is given.
function __typetun_at
    set -l place (__typetun_place)
    test "$place[1]" = "$argv[1]" -a -z "$place[3]"; or return 1
    test (count $argv) = 1; or test $place[2] = $argv[2]
end

# What another program, whose name and arguments stand at the end, takes; its name where there is none yet.
function __typetun_passed
    set -l place (__typetun_place)
    set -l words (commandline -opc)
    if test -n "$place[3]"
        set words $words[$place[3]..-1]
    else
        string match -q -- '-*' (commandline -ct); and return
        set words
    end
    complete --do-complete=(string join -- ' ' $words (commandline -ct))
end

# Whether that is where the cursor is, behind the command $argv[1].
function __typetun_passes
    set -l place (__typetun_place)
    test "$place[1]" = "$argv[1]"
end

function __typetun_adapters
    typetun ${ADAPTERS_COMMAND} 2>/dev/null
end

complete -c typetun -f
${commands.flatMap((command) => commandLines(command, model)).join('\n')}
${passing.map(({ words }) => `complete -c typetun -n '__typetun_passes "${words.join(' ')}"' -xa '(__typetun_passed)'`).join('\n')}
`;
}

function commandLines(command: CommandModel, model: CommandModel): string[] {
  const { words, commands, options, arguments: taken } = command;
  return [
    ...commands.map(
      (below) =>
        `complete -c typetun -n ${at(words, 0)} -a ${quoted(below.words.at(-1)!)} -d ${quoted(oneLine(below.description))}`,
    ),
    ...options.map((option) => optionLine(words, option)),
    ...taken.flatMap((argument, number) => argumentLines(words, argument, number, model)),
  ];
}

function optionLine(words: readonly string[], { names, description, value }: OptionModel): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice('--'.length)}` : `-s ${name.slice('-'.length)}`,
  );
  const takes = value === undefined ? '' : ` ${valueWords(value)}`;
  return `complete -c typetun -n ${at(words)} ${flags.join(' ')}${takes} -d ${quoted(oneLine(description))}`;
}

/** What an option takes: `-x`, and nothing else; `-r -F`, a file. */
function valueWords(value: ValueModel): string {
  if (value.kind === 'file') return '-r -F';
  const words = offered(value);
  return words === undefined ? '-x' : `-xa ${quoted(words)}`;
}

function argumentLines(
  words: readonly string[],
  { value, variadic }: ArgumentModel,
  number: number,
  model: CommandModel,
): string[] {
  const condition = variadic ? at(words) : at(words, number);
  if (value.kind === 'file') return [`complete -c typetun -n ${condition} -F`];
  const names = model.commands.map((command) => command.words.join(' '));
  const offer = value.kind === 'subcommand' ? names.join(' ') : offered(value);
  return offer === undefined ? [] : [`complete -c typetun -n ${condition} -a ${quoted(offer)}`];
}

function offered({ kind, choices }: ValueModel): string | undefined {
  if (kind === 'choice') return choices.join(' ');
  return kind === 'adapter' ? '(__typetun_adapters)' : undefined;
}

function at(words: readonly string[], number?: number): string {
  const place = `__typetun_at "${words.join(' ')}"`;
  return quoted(number === undefined ? place : `${place} ${number}`);
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

/** In single quotes fish knows `\\\\` and `\\'` alone. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
