/** The manual page and docs/cli.md are what the definitions of the commands make of them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EXIT_STATUSES, ExitCode } from '#dist/cli/errors.js';
import { runTypetun } from '../support/command.ts';
import { toolSkip } from '../support/root.ts';

const run = promisify(execFile);
const MAN = 'man/typetun.1';
const MARKDOWN = 'docs/cli.md';

for (const [form, path] of [
  ['man', MAN],
  ['markdown', MARKDOWN],
] as const) {
  test(`${path} is up to date: "npm run docs" writes it`, async () => {
    const { code, stdout } = await runTypetun(['reference', form]);
    assert.equal(code, 0);
    assert.equal(readFileSync(path, 'utf8'), stdout, 'stale: run "npm run docs"');
  });
}

test('the package brings the manual page', () => {
  const { man, files } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    man: string[];
    files: string[];
  };
  assert.deepEqual(man, [`./${MAN}`]);
  assert.ok(files.includes('man'));
  assert.ok(existsSync(MAN));
});

test('each command and each option of --help is in both', async () => {
  const man = readFileSync(MAN, 'utf8').replaceAll('\\-', '-');
  const markdown = readFileSync(MARKDOWN, 'utf8');
  const commands = [...markdown.matchAll(/^### `typetun ([a-z ]+?)(?: [[<].*)?`$/gm)].map((match) =>
    match[1]!.trim(),
  );
  assert.ok(commands.includes('adapter create') && commands.includes('stats'), commands.join());
  for (const command of commands) {
    const { code, stdout } = await runTypetun(['help', ...command.split(' ')]);
    assert.equal(code, 0);
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(
      (match) => match[1]!,
    );
    for (const option of options.filter((one) => one !== '--help')) {
      assert.match(man, new RegExp(`^\\.B (?:-\\w, )?${option}\\b`, 'm'), option);
      assert.match(markdown, new RegExp(`^\\| \`(?:-\\w, )?${option}\\b`, 'm'), option);
    }
  }
});

test('every exit status that the command ends with is described, in --help as well', async () => {
  const described = EXIT_STATUSES.map(([status]) => status);
  for (const status of Object.values(ExitCode)) assert.ok(described.includes(String(status)));
  const { stdout } = await runTypetun(['--help']);
  for (const [status, meaning] of EXIT_STATUSES) {
    assert.ok(stdout.includes(meaning), meaning);
    assert.ok(readFileSync(MARKDOWN, 'utf8').includes(`| \`${status}\` | ${meaning} |`));
  }
});

test('each link within docs/cli.md leads to a heading', () => {
  const markdown = readFileSync(MARKDOWN, 'utf8');
  // As GitHub does it: lower case, no punctuation but hyphens, a hyphen for each space.
  const anchors = [...markdown.matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^a-z0-9_\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  const links = [...markdown.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!);
  assert.ok(links.length > 0);
  assert.deepEqual(
    links.filter((link) => !anchors.includes(link)),
    [],
  );
});

test('man shows the page, with backslashes and hyphens as they are', {
  skip: toolSkip('man'),
}, async () => {
  const env = { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' };
  const { stdout, stderr } = await run('man', ['--warnings', '-l', MAN], { env });
  assert.equal(stderr, '');
  assert.match(stdout, /^SYNOPSIS\n\s+typetun command/m);
  assert.match(stdout, /typetun adapter create \[options\] <name>/);
  assert.ok(stdout.includes('\\\\.\\Device\\WINTUN7'), 'the name of a device');
  assert.match(stdout, /--no-host\n/);
});
