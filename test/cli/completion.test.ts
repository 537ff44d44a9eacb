/** Shell completion, in the shells themselves: what they offer at the end of a line, adapters of a real host included. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { runTypetun } from '../support/command.ts';
import { type RealHost, startHost } from '../support/real-host.ts';
import { toolSkip } from '../support/root.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

/** What is offered at the end of each line: all of it, or with `...` among others. */
const OFFERED: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['typetun ', ['...', 'adapter', 'demo', 'device', 'doctor', 'help', 'run', 'serve', 'stats']],
  ['typetun ad', ['adapter']],
  ['typetun adapter ', ['list', 'show', 'create', 'set', 'pause', 'restart', 'power', 'remove']],
  ['typetun adapter show ', ['demo0', 'demo1']],
  ['typetun adapter show --json demo1', ['demo1']],
  ['typetun adapter power demo0 ', ['D0', 'D1', 'D2', 'D3']],
  ['typetun adapter create --of', ['--offload']],
  ['typetun adapter create new0 --mtu 1400 --offload ', ['split', 'carry', 'off']],
  ['typetun adapter create new0 --mtu ', []],
  ['typetun demo --link ro', ['rootless']],
  ['typetun dvl ', ['check']],
  ['typetun help dv', ['dvl']],
  ['typetun completion ', ['bash', 'zsh', 'fish']],
  ['typetun run --to host -- typetun-onl', ['typetun-only']],
  ['typetun nonsense ', []],
];

describe('completion', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-completion-'));
  let host: RealHost;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    host = await startHost();
    await host.create({ name: 'demo0' });
    await host.create({ name: 'demo1' });
    symlinkSync(resolve('dist/cli/main.js'), join(folder, 'typetun'));
    writeFileSync(join(folder, 'typetun-only'), '#!/bin/sh\n', { mode: 0o755 });
    const path = [folder, process.env['PATH']].join(delimiter);
    env = { ...process.env, PATH: path, TYPETUN_HOST: host.runDirectory, TERM: 'dumb' };
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await runTypetun(['completion', shell]);
      assert.equal(code, 0);
      writeFileSync(join(folder, `completion.${shell}`), stdout);
    }
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a program of the shell that prints, for each line, `line|words`; and compares. */
  async function offered(shell: string, args: readonly string[], program: string): Promise<void> {
    const file = join(folder, `ask.${shell}`);
    writeFileSync(file, program);
    const { stdout } = await run(shell, [...args, file], { env, timeout: TIMEOUT_MS });
    const answers = stdout.trimEnd().split('\n');
    assert.equal(answers.length, OFFERED.length, stdout);
    for (const [i, [line, words]] of OFFERED.entries()) {
      const [asked, text = ''] = answers[i]!.split('|');
      assert.equal(asked, line);
      const found = new Set(text.split(' ').filter((word) => word !== ''));
      const wanted = words.filter((word) => word !== '...');
      if (words.includes('...')) {
        for (const word of wanted) assert.ok(found.has(word), `${line}: ${word} of ${text}`);
      } else {
        assert.deepEqual([...found].sort(), [...wanted].sort(), line);
      }
    }
  }

  const lines = OFFERED.map(([line]) => `'${line}'`).join(' ');

  test('bash offers commands, options, values and adapters', async () => {
    await offered(
      'bash',
      ['--norc'],
      `set -u
source ${folder}/completion.bash
for line in ${lines}; do
  read -ra COMP_WORDS <<< "$line"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _typetun
  echo "$line|\${COMPREPLY[*]-}"
done
`,
    );
  });

  test('fish offers the same', { skip: toolSkip('fish') }, async () => {
    await offered(
      'fish',
      ['--no-config'],
      `source ${folder}/completion.fish
for line in ${lines}
  set -l found (complete -C $line | string split -f1 \\t)
  echo "$line|$found"
end
`,
    );
  });

  test('zsh offers the same', { skip: toolSkip('zsh') }, async () => {
    // An interactive shell on a terminal of its own, whose key ^T completes and says what was offered.
    const start = [
      'PROMPT=; autoload -Uz compinit; compinit -u -D',
      `source ${folder}/completion.zsh`,
      'compadd() { local -a hits; builtin compadd -O hits "$@"; print -r -- $hits >> $out; builtin compadd "$@" }',
      'ask() { _main_complete; print -r -- __END__ >> $out }',
      "zle -C ask complete-word ask; bindkey '^T' ask; print ready > $out",
    ].join('; ');
    await offered(
      'zsh',
      ['-f'],
      `zmodload zsh/zpty
export out=${folder}/zsh.out
zpty shell zsh -f -i
zpty -w shell '${start.replaceAll("'", "'\\''")}'
for i in {1..200}; do [[ -s $out ]] && break; sleep 0.05; done
for line in ${lines}; do
  : > $out
  zpty -w -n shell $line$'\\x14'
  for i in {1..200}; do grep -q __END__ $out && break; sleep 0.05; done
  print -r -- "$line|$(grep -v __END__ $out | tr '\\n' ' ')"
  zpty -w -n shell $'\\x15'
done
zpty -d shell
`,
    );
  });
});

test('adapters to be completed are none, and no message, where there is no host', async () => {
  const { code, stdout, stderr } = await runTypetun(['complete-adapters'], {
    env: { TYPETUN_HOST: '/nonexistent/typetun' },
  });
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('another shell is refused with those there are', async () => {
  const { code, stderr } = await runTypetun(['completion', 'tcsh']);
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
