/**
 * The commands as they are defined, for what is made of them besides --help: shell completion, the manual page,
 * docs/cli.md.
 */

import type { Argument, Command, Option } from 'commander';

/** What can stand for a value. */
export interface ValueModel {
  /** As it is written in the usage: `address/length`. */
  readonly placeholder: string;
  /** `adapter`: the name of one; `command`: a program and its arguments; `subcommand`: a command of this tree. */
  readonly kind: 'choice' | 'adapter' | 'file' | 'command' | 'subcommand' | 'text';
  /** Of a choice. */
  readonly choices: readonly string[];
}

export interface OptionModel {
  /** `--mtu <bytes>`, with the short form in front where there is one. */
  readonly flags: string;
  /** The words that give it: `-V`, `--version`. */
  readonly names: readonly string[];
  /** With choices and default, as --help has it. */
  readonly description: string;
  /** Undefined for a flag. */
  readonly value: ValueModel | undefined;
}

export interface ArgumentModel {
  readonly name: string;
  readonly variadic: boolean;
  readonly description: string;
  readonly value: ValueModel;
}

export interface CommandModel {
  /** `['adapter', 'create']`; none of the program itself. */
  readonly words: readonly string[];
  readonly description: string;
  /** `typetun adapter create [options] <name>` */
  readonly usage: string;
  readonly arguments: readonly ArgumentModel[];
  readonly options: readonly OptionModel[];
  readonly commands: readonly CommandModel[];
  /** What --help says at its end; empty for nothing. */
  readonly remarks: string;
}

const FILES = ['file', 'path', 'folder'];
const HELP = 'help';

/** Reads a command and all below it. Hidden ones are left out. */
export function modelOf(command: Command, words: readonly string[] = []): CommandModel {
  const help = command.createHelp();
  return {
    words,
    description: command.description(),
    usage: help.commandUsage(command),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      variadic: argument.variadic,
      description: help.argumentDescription(argument),
      value: argumentValue(argument, command.name()),
    })),
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      names: [option.short, option.long].filter((name) => name !== undefined),
      description: help.optionDescription(option),
      value: optionValue(option),
    })),
    // Each group of commands has a help of its own besides `typetun help`: once is enough to say.
    commands: help
      .visibleCommands(command)
      .filter((inner) => words.length === 0 || inner.name() !== HELP)
      .map((inner) => modelOf(inner, [...words, inner.name()])),
    remarks: remarksOf(command),
  };
}

/** All commands of a tree, in order, itself first. */
export function flatten(model: CommandModel): CommandModel[] {
  return [model, ...model.commands.flatMap(flatten)];
}

function argumentValue(argument: Argument, command: string): ValueModel {
  const { argChoices } = argument;
  if (command === HELP) return { placeholder: argument.name(), kind: 'subcommand', choices: [] };
  return valueNamed(argument.name(), argChoices);
}

function optionValue({ flags, argChoices }: Option): ValueModel | undefined {
  const placeholder = /[<[](.+)[>\]]/.exec(flags)?.[1];
  return placeholder === undefined ? undefined : valueNamed(placeholder, argChoices);
}

function valueNamed(placeholder: string, choices: readonly string[] | undefined): ValueModel {
  if (choices !== undefined) return { placeholder, kind: 'choice', choices };
  if (FILES.includes(placeholder)) return { placeholder, kind: 'file', choices: [] };
  if (placeholder === 'adapter' || placeholder === 'command') {
    return { placeholder, kind: placeholder, choices: [] };
  }
  return { placeholder, kind: 'text', choices: [] };
}

/** Commander keeps what was added to the help to itself: it is what is printed besides the rest. */
function remarksOf(command: Command): string {
  const { writeOut } = command.configureOutput();
  let printed = '';
  command.configureOutput({ writeOut: (text) => (printed += text) });
  command.outputHelp();
  command.configureOutput({ writeOut: writeOut! });
  const main = command.helpInformation();
  return printed.startsWith(main) ? printed.slice(main.length).trim() : '';
}
