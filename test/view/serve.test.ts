/** What `typetun serve` lets one look at: a host of its own process, as a person starts it. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Sample } from 'typetun/observe';
import { type DebugReport, ControlClient } from 'typetun/service';
import { ask } from '../support/http.ts';
import { rootSkip, withNetns } from '../kernel/support/netns.ts';
import { serve } from '../service/support/serve.ts';
import { until } from '../support/until.ts';

const MAIN = 'dist/cli/main.js';
const TOKEN = 'a-token-of-this-test-alone';
/** nobody: exists everywhere, owns nothing. */
const OTHER_USER = 65_534;

interface Entry {
  readonly level: string;
  readonly msg: string;
  readonly adapter?: string;
}

describe('typetun serve', () => {
  let folder: string;
  let child: ChildProcess | undefined;
  let stderr: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-serve-view-'));
    writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
    const config = { adapters: [{ name: 'tt-view', link: 'memory', addresses: ['10.7.0.1/24'] }] };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    stderr = '';
  });

  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    child = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...options: string[]): ChildProcess {
    const args = [
      MAIN,
      'serve',
      '--config',
      join(folder, 'config.json'),
      '--run-directory',
      join(folder, 'run'),
      ...options,
    ];
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'] });
    started.stderr.on('data', (chunk) => (stderr += chunk));
    child = started;
    return started;
  }

  async function found(pattern: RegExp): Promise<string> {
    try {
      await until(() => pattern.test(stderr));
    } catch {
      throw new Error(`never logged: ${pattern}\n${stderr}`);
    }
    return pattern.exec(stderr)![1]!;
  }

  const entries = (): Entry[] =>
    stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Entry);

  test('serves the dashboard and metrics of its adapters, and ends when it is told', async () => {
    const at = '127.0.0.1:0';
    const started = start('--dashboard', at, '--metrics', at);
    const page = await found(/dashboard at (http:\/\/\S+)/);
    const metrics = await found(/metrics at (http:\/\/\S+)/);
    assert.equal((await ask(page)).status, 200);
    assert.match(
      (await ask(`${page}api/sample`)).body,
      /"name":"tt-view","device":"WINTUN\d+","link":"memory","state":"Running"/,
    );
    const { body } = await ask(metrics);
    assert.match(body, /typetun_adapter_state\{adapter="tt-view",.*state="Running"\} 1/);
    assert.match(body, /^nodejs_eventloop_lag_seconds /m);
    started.kill('SIGTERM');
    assert.deepEqual(await once(started, 'close'), [0, null]);
  });

  test('logs JSON that names the adapter: its making, its states, a configuration that is wrong', async () => {
    const started = start('--log-format', 'json', '--log-level', 'debug');
    await found(/(host started)/);
    await until(() =>
      entries().some(({ adapter, msg }) => adapter === 'tt-view' && msg === 'adapter made'),
    );
    await using host = await ControlClient.connect({ runDirectory: join(folder, 'run') });
    await host.call('adapter.pause', { adapter: 'tt-view' });
    await until(() =>
      entries().some(({ msg, adapter }) => msg === 'tt-view is Paused' && adapter === 'tt-view'),
    );
    writeFileSync(join(folder, 'config.json'), '{ "adapters": [ { "nam": "x" } ] }');
    started.kill('SIGHUP');
    await until(() => entries().some(({ level, msg }) => level === 'error' && msg.includes('nam')));
    started.kill('SIGTERM');
    await once(started, 'close');
    assert.ok(entries().every(({ level, msg }) => level !== '' && msg !== ''));
  });

  test('says what is wrong with its options before anything is made', async () => {
    for (const [options, why] of [
      [['--dashboard', 'here'], /"here" is no address to listen at; give ADDRESS:PORT/],
      [['--dashboard', '0.0.0.0:0'], /takes a token \(--dashboard-token-file FILE\)/],
      [
        ['--metrics', '127.0.0.1:0', '--metrics-token-file', '/none'],
        /token file \/none is of no use/,
      ],
      [['--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
      [['--log-format', 'xml'], /Allowed choices are pretty, json/],
    ] as const) {
      const [code] = (await once(start(...options), 'close')) as [number];
      assert.notEqual(code, 0, options.join(' '));
      assert.match(stderr, why);
      assert.doesNotMatch(stderr, /adapter made/);
      stderr = '';
    }
  });

  test('SIGUSR1 and typetun debug give its state, for its user alone, and no inspector', async () => {
    const started = start();
    await found(/(host started)/);
    started.kill('SIGUSR1');
    const path = await found(/debug report at (\S+)/);
    assert.equal(path, join(folder, 'run', 'debug.json'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const written = JSON.parse(readFileSync(path, 'utf8')) as DebugReport;
    assert.deepEqual(
      written.adapters.map(({ name }) => name),
      ['tt-view'],
    );
    assert.doesNotMatch(stderr, /Debugger listening/);

    const run = promisify(execFile);
    const args = [MAIN, 'debug', '--run-directory', join(folder, 'run')];
    const printed = JSON.parse((await run(process.execPath, args)).stdout) as DebugReport;
    assert.equal(printed.host.pid, started.pid);
    assert.ok(printed.log.some((line) => line.includes('adapter made')));
    const output = join(folder, 'report.json');
    const { stderr: said } = await run(process.execPath, [...args, '--output', output]);
    assert.match(said, /wrote .*report\.json; it holds no packets/);
    assert.equal(statSync(output).mode & 0o777, 0o600);
    await assert.rejects(run(process.execPath, [...args, '--output', output]), {
      code: 1,
      stderr: /EEXIST/,
    });
  });

  test('another user sees nothing of a dashboard with a token, and changes nothing', {
    skip: rootSkip(),
  }, async () => {
    start('--dashboard', '127.0.0.1:0', '--dashboard-token-file', join(folder, 'token'));
    const page = await found(/dashboard at (http:\/\/\S+)/);
    const code = `
      const base = process.argv[1];
      const tries = [['api/sample', 'GET'], ['api/events', 'GET'], ['api/adapters/tt-view/pause', 'POST'], ['../token', 'GET']];
      for (const [path, method] of tries) console.log(path, (await fetch(base + path, { method })).status);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', code, page],
      { uid: OTHER_USER, gid: OTHER_USER, cwd: '/' },
    );
    assert.deepEqual(stdout.trim().split('\n'), [
      'api/sample 401',
      'api/events 401',
      'api/adapters/tt-view/pause 401',
      '../token 404',
    ]);
    const allowed = { Authorization: `Bearer ${TOKEN}` };
    assert.equal((await ask(`${page}api/adapters/tt-view/pause`, allowed, 'POST')).status, 204);
    assert.match((await ask(`${page}api/sample`, allowed)).body, /"state":"Paused"/);
  });

  test('shows what passes through the real kernel, by page and by metrics', {
    skip: rootSkip('ping', 'python3'),
  }, async () => {
    await withNetns(async (netns) => {
      const at = ['--dashboard', '127.0.0.1:0', '--metrics', '127.0.0.1:0'];
      await using host = await serve(join(folder, 'run'), { args: at });
      const { socket } = await host.control.call('adapter.create', {
        ...{ name: 'view0', addresses: ['10.7.0.1/24'], netns },
      });
      const client = spawn('python3', ['examples/device-client.py', socket], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await once(client.stdout, 'data');
        const args = ['netns', 'exec', netns, 'ping', '-q', '-c', '120', '-i', '0.02', '10.7.0.2'];
        const { stdout } = await promisify(execFile)('ip', args);
        assert.match(stdout, / 120 received/);
        const [page, metrics] = ['dashboard', 'metrics'].map(
          (what) => new RegExp(`${what} at (\\S+)`).exec(host.log())![1]!,
        );
        const sample = JSON.parse((await ask(`${page!}api/sample`)).body) as Sample;
        const [adapter] = sample.adapters;
        assert.ok(adapter!.rates.outPackets > 10, `${adapter!.rates.outPackets} packets/s`);
        assert.equal(adapter!.media, 'Connected');
        assert.match(adapter!.clients[0]!.label, /^device-client\.py, process \d+, user 0$/);
        const { body } = await ask(metrics!);
        const of = (name: string): number =>
          Number(new RegExp(`^${name}\\{adapter="view0",[^}]*\\} (.+)$`, 'm').exec(body)?.[1]);
        assert.equal(of('typetun_bundle_packets_sum'), 120);
        assert.equal(of('typetun_read_wait_seconds_count'), of('typetun_bundle_packets_count'));
        // Between two pings it waited 20 ms.
        assert.ok(
          of('typetun_read_wait_seconds_sum') > 1,
          String(of('typetun_read_wait_seconds_sum')),
        );
      } finally {
        client.kill();
        await once(client, 'close');
      }
    });
  });
});
