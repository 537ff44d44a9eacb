/** The manual page, in the macros of man(7). */

import { VERSION } from '../../index.ts';
import { isPreformatted, listed } from './listed.ts';
import type { CommandModel } from './model.ts';
import { type Block, SUMMARY, TOPICS, type Topic } from './topics.ts';

/** The whole page. */
export function manPage(model: CommandModel): string {
  const [description, ...topics] = TOPICS;
  const lines = [
    '.\\" Made by "npm run docs" of the definitions of the commands: change those.',
    `.TH TYPETUN 1 "" "typetun ${VERSION}" "User Commands"`,
    '.SH NAME',
    `typetun \\- ${escaped(SUMMARY)}`,
    '.SH SYNOPSIS',
    '.B typetun',
    '.I command',
    '.RI [ option ...]',
    '.RI [ argument ...]',
    '.SH DESCRIPTION',
    ...topicLines(description!),
    '.SH COMMANDS',
    ...listed(model).flatMap(commandLines),
    ...topics.flatMap((topic) => [`.SH ${topic.title.toUpperCase()}`, ...topicLines(topic)]),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines(command: CommandModel): string[] {
  const { usage, description, options, remarks } = command;
  return [
    `.SS ${escaped(usage)}`,
    `${escaped(sentence(description))}`,
    ...command.arguments
      .filter((argument) => argument.description !== '')
      .flatMap(({ name, description: what }) => ['.TP', `.I ${escaped(name)}`, escaped(what)]),
    ...options.flatMap(({ flags, description: what }) => [
      '.TP',
      `.B ${escaped(flags)}`,
      escaped(what),
    ]),
    ...remarkLines(remarks),
  ];
}

function remarkLines(remarks: string): string[] {
  if (remarks === '') return [];
  const lines = remarks.split('\n').map(escaped);
  return isPreformatted(remarks) ? ['.PP', '.nf', ...lines, '.fi'] : ['.PP', ...lines];
}

/** Its first paragraph begins as the section does. */
function topicLines({ blocks }: Topic): string[] {
  const lines = blocks.flatMap(blockLines);
  return lines[0] === '.PP' ? lines.slice(1) : lines;
}

function blockLines(block: Block): string[] {
  if ('text' in block) return ['.PP', literal(block.text)];
  if ('terms' in block) {
    return block.terms.flatMap(([term, meaning]) => [
      '.TP',
      `.B ${escaped(term)}`,
      literal(meaning),
    ]);
  }
  return ['.PP', '.RS', '.nf', ...block.shell.map(escaped), '.fi', '.RE'];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Backquotes become bold. */
function literal(text: string): string {
  return escaped(text).replace(/`([^`]*)`/g, '\\fB$1\\fR');
}

/** Plain text: no escape sequence, no request, and hyphens that can be copied. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
