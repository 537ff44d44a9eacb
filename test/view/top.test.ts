/** `typetun top` on a real terminal, with a look at what it shows. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { keepPicture, picturePath } from '../support/browser.ts';
import { type ControlSocket, serveControl } from '../support/control-socket.ts';
import { exampleHost } from '../support/example-host.ts';
import { PtyProgram, ptySkip } from '../support/pty.ts';
import type { ScriptedControl } from '../support/scripted-control.ts';
import { terminalPicture } from '../support/terminal-picture.ts';

const COLUMNS = 124;
const ROWS = 26;
/** The alternate screen, and the cursor (xterm's private modes). */
const OTHER_SCREEN = 1049;
const CURSOR = 25;

describe('typetun top', { skip: ptySkip }, () => {
  let folder: string;
  let control: ScriptedControl;
  let socket: ControlSocket;
  let running: PtyProgram | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-top-'));
    control = exampleHost();
    socket = await serveControl(control, folder);
  });

  afterEach(async () => {
    running?.kill();
    running = undefined;
    await socket[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function top(columns = COLUMNS, rows = ROWS, options = '--interval 0.02'): PtyProgram {
    const line = `exec ${process.execPath} dist/cli/main.js top --run-directory ${folder} ${options}`;
    const command = `sh -c 'echo $$ > ${folder}/pid; ${line}'`;
    const program = new PtyProgram(command, columns, rows, folder);
    running = program;
    return program;
  }

  async function gaveBack(program: PtyProgram, status: number): Promise<void> {
    assert.equal(await program.ended, status);
    assert.equal(program.screen.modes.has(OTHER_SCREEN), false, 'the screen of before is back');
    assert.equal(program.screen.modes.has(CURSOR), true, 'the cursor is seen');
    assert.equal(program.restored, true, 'the settings of the terminal are as before');
  }

  test('shows adapters, rates, drops and programs, and gives the terminal back', async () => {
    const program = top();
    await program.shows(/wg-office +Running +D0 +Connected +[\d.]+ Mbit\/s/);
    control.become('lab-bench', 'Pausing');
    control.become('lab-bench', 'Paused');
    await delay(2600);
    assert.ok(program.screen.modes.has(OTHER_SCREEN));
    const { text, lines } = program.screen;
    assert.match(text, /typetun \d+\.\d+\.\d+ {2}host 4242, up 2 h \d+ min, 3 adapters/);
    assert.match(text, /ADAPTER +STATE +POWER +MEDIA +OUT +PACKETS\/S +IN +PACKETS\/S/);
    assert.match(
      text,
      /lost +queue full 18,204 · paused 2,310 · system's queue full 412 · not open 96/,
    );
    assert.match(text, /out +[▁▂▃▄▅▆▇█]{60,} +[\d.]+ Mbit\/s/);
    assert.match(
      text,
      /programs +vpn-client, process 2217, user 1000 · read 6,120,442, wrote 3,771,004/,
    );
    assert.match(text, /flows +not tracked by the host/);
    assert.equal(lines.at(-1), ' ↑↓ choose  p pause  r restart  h help  q quit');
    assert.deepEqual(program.screen.unknown, []);
    const row = lines.findIndex((line) => line.includes('wg-office'));
    const state = program.screen.cells[row]![lines[row]!.indexOf('Running')]!;
    assert.deepEqual([state.colour, state.dim], ['green', false]);
    writeFileSync(picturePath('top.svg'), terminalPicture(program.screen));
    keepPicture('top.svg');
    program.type('q');
    await gaveBack(program, 0);
  });

  test('keys choose an adapter, pause it and restart it', async () => {
    const program = top();
    await program.shows(/▸ wg-office/);
    program.type('\x1b[B');
    await program.shows(/▸ lab-bench[\s\S]* lab-bench {2}WINTUN6/);
    program.type('p');
    await program.shows(/lab-bench +Paused[\s\S]*lab-bench is paused/);
    program.type('r');
    await program.shows(/lab-bench +Running[\s\S]*lab-bench runs/);
    program.type('\x1b[A\x1b[A');
    await program.shows(/▸ wg-office/);
    assert.deepEqual(
      control.calls.filter((call) => call.includes(' ')),
      ['adapter.pause lab-bench', 'adapter.restart lab-bench'],
    );
    program.type('h');
    await program.shows(/p +pauses the chosen adapter: nothing passes until it is restarted/);
    program.type('h');
    await program.shows(/flows +not tracked/);
    program.type('\x03');
    await gaveBack(program, 0);
  });

  test('follows the size of the terminal, down to one that has room for little', async () => {
    const program = top();
    await program.shows(/PER BUNDLE/);
    program.resize(60, 12);
    await program.shows(/^ typetun [\s\S]*wg-office +Running[\s\S]* choose/);
    assert.doesNotMatch(program.screen.text, /PER BUNDLE|MEDIA/);
    assert.ok(program.screen.lines.every((line) => [...line].length <= 60));
    program.resize(20, 3);
    await delay(300);
    program.resize(COLUMNS, ROWS);
    await program.shows(/PER BUNDLE[\s\S]*flows/);
    program.type('q');
    await gaveBack(program, 0);
  });

  test('gives the terminal back when a signal or the host ends it', async () => {
    const program = top();
    await program.shows(/wg-office +Running/);
    socket.drop();
    await gaveBack(program, 1);
    assert.match(program.raw, /the host at .* ended the connection.*\[ERR_TUN_NO_HOST\]/);

    const other = top();
    await other.shows(/wg-office +Running/);
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM');
    await gaveBack(other, 128 + constants.signals.SIGTERM);
  });

  test('says what it takes where there is no terminal, or no host', async () => {
    const run = promisify(execFile);
    const args = ['dist/cli/main.js', 'top', '--run-directory', folder];
    await assert.rejects(run(process.execPath, args), { code: 2, stderr: /takes a terminal/ });
    const program = top(COLUMNS, ROWS, `--run-directory ${folder}/none`);
    assert.equal(await program.ended, 1);
    assert.match(program.raw, /no host answers at .*; start one \("typetun serve"\)/);
  });

  test('shows nothing of a name that would command the terminal', async () => {
    const program = top();
    await program.shows(/wg-office +Running/);
    control.tell({
      event: 'client.connected',
      adapter: 'wg-office',
      device: 'WINTUN5',
      client: {
        id: 1,
        name: 'evil\x1b[2J\x1b]0;owned\x07^r%s',
        role: 'packets',
        bundlesRead: 0,
        packetsRead: 0,
        bundlesWritten: 0,
        packetsWritten: 0,
        waitingReads: 0,
      },
    });
    await program.shows(/wg-office: evil\?\[2J\?\]0;owned\?\^r%s opened the device/);
    assert.ok(!program.raw.includes('\x1b]0;owned'));
    program.type('q');
    await gaveBack(program, 0);
  });
});
