/** docs/cli.md. */

import { isPreformatted, listed } from './listed.ts';
import type { CommandModel } from './model.ts';
import { type Block, TOPICS } from './topics.ts';

/** The whole document. */
export function markdownReference(model: CommandModel): string {
  const parts = [
    '<!-- Made by "npm run docs" of the definitions of the commands: change those. -->',
    '# The command line',
    'The manual page (`man typetun`), what `--help` says and shell completion (`typetun help completion`) are made of the same definitions. `typetun help COMMAND` shows one command.',
    ...TOPICS.flatMap(({ title, blocks }) => [`## ${title}`, ...blocks.map(blockText)]),
    '## Commands',
    table(
      ['command', 'does'],
      listed(model).map(({ words, usage, description }) => [
        `[\`typetun ${words.join(' ')}\`](#${anchor(usage)})`,
        description,
      ]),
    ),
    ...listed(model).flatMap(commandParts),
  ];
  return `${parts.join('\n\n')}\n`;
}

function commandParts(command: CommandModel): string[] {
  const { usage, description, options, remarks } = command;
  const taken = command.arguments.filter((argument) => argument.description !== '');
  const rows = [
    ...taken.map(({ name, description: what }) => [`\`${name}\``, what]),
    ...options.map(({ flags, description: what }) => [`\`${flags}\``, what]),
  ];
  return [
    `### \`${usage}\``,
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    ...(rows.length === 0 ? [] : [table(['', ''], rows)]),
    ...(remarks === '' ? [] : [remarkText(remarks)]),
  ];
}

function remarkText(remarks: string): string {
  return isPreformatted(remarks) ? fenced('text', remarks) : remarks;
}

function blockText(block: Block): string {
  if ('text' in block) return block.text;
  if ('terms' in block) {
    return table(
      ['', ''],
      block.terms.map(([term, meaning]) => [`\`${term}\``, meaning]),
    );
  }
  return fenced('sh', block.shell.join('\n'));
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), `|${heading.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
