/** What Prometheus is given, and what the log and the debug file say. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Metrics, Observers, writeDebugFile } from 'typetun/observe';
import { Host } from 'typetun/service';
import { ask } from '../support/http.ts';
import { ScriptedControl } from '../support/scripted-control.ts';

const TOKEN = 'fedcba9876543210fedcba9876543210';
const ADAPTERS = [
  { name: 'demo', out: () => 1000, in: () => 500, drops: { queueFull: 7 }, hostDrops: 2 },
  { name: 'lent', out: () => 10, in: () => 10, lent: true },
];

/** Values by name and labels, as they are written. */
function parsed(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

describe('metrics', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-metrics-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test('are the counters of section 6, by adapter, direction and reason', async () => {
    const control = new ScriptedControl(ADAPTERS);
    control.advance(3);
    const metrics = await Metrics.open(control);
    const text = await metrics.read();
    const values = parsed(text);
    const demo = 'adapter="demo",device="WINTUN5"';
    assert.equal(values.get(`typetun_octets_total{${demo},direction="out"}`), 3000 * 1340);
    assert.equal(values.get(`typetun_packets_total{${demo},direction="in",cast="unicast"}`), 1500);
    assert.equal(
      values.get(`typetun_cast_octets_total{${demo},direction="in",cast="unicast"}`),
      1500 * 1340,
    );
    assert.equal(values.get(`typetun_drops_total{${demo},direction="out",reason="queueFull"}`), 7);
    assert.equal(values.get(`typetun_drops_total{${demo},direction="out",reason="host"}`), 2);
    assert.equal(values.get(`typetun_adapter_state{${demo},state="Running"}`), 1);
    assert.equal(values.get(`typetun_adapter_state{${demo},state="Paused"}`), 0);
    assert.equal(values.get('typetun_refusals_total{reason="user"}'), 3);
    const lent = 'adapter="lent",device="WINTUN6"';
    assert.equal(values.get(`typetun_interface_packets_total{${lent},direction="out"}`), 30);
    assert.equal(values.has(`typetun_interface_packets_total{${demo},direction="out"}`), false);
    const { out } = (await control.call('statistics', {}))[0]!.statistics;
    for (const counter of Object.keys(out)) assert.ok(COVERED[counter], `no metric has ${counter}`);

    control.advance(1);
    const later = parsed(await metrics.read());
    assert.equal(later.get(`typetun_octets_total{${demo},direction="out"}`), 4000 * 1340);
    assert.equal((await metrics.read()).match(/^# TYPE typetun_octets_total counter$/m)?.length, 1);
  });

  test('have histograms whose buckets are cumulative and end with their count', async () => {
    const control = new ScriptedControl(ADAPTERS);
    control.advance(5);
    const values = parsed(await (await Metrics.open(control)).read());
    const { bundles } = (await control.call('statistics', {}))[0]!.statistics;
    const of = (name: string): number[] =>
      [...values]
        .filter(([key]) => key.startsWith(`${name}_bucket{adapter="demo"`))
        .map(([, value]) => value);
    for (const name of ['typetun_bundle_packets', 'typetun_read_wait_seconds']) {
      const buckets = of(name);
      assert.ok(buckets.length > 8, name);
      assert.deepEqual(
        buckets,
        [...buckets].sort((a, b) => a - b),
        name,
      );
      assert.equal(
        buckets.at(-1),
        values.get(`${name}_count{adapter="demo",device="WINTUN5"}`),
        name,
      );
    }
    assert.equal(
      values.get('typetun_bundle_packets_sum{adapter="demo",device="WINTUN5"}'),
      bundles.packetsRead,
    );
  });

  test('are served beside the dashboard or alone, with a token of their own', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, TOKEN, { mode: 0o600 });
    const control = new ScriptedControl(ADAPTERS);
    const at = '127.0.0.1:0';
    {
      await using both = await Observers.open(control, {
        dashboard: at,
        metrics: at,
        ofProcess: true,
      });
      assert.equal(new URL(both.metricsUrl!).host, new URL(both.dashboardUrl!).host);
      const { status, headers, body } = await ask(both.metricsUrl!);
      assert.equal(status, 200);
      assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
      assert.match(body, /^process_cpu_seconds_total /m);
    }
    await using alone = await Observers.open(control, { metrics: at, metricsTokenFile: file });
    assert.equal((await ask(alone.metricsUrl!)).status, 401);
    const answer = await ask(alone.metricsUrl!, { Authorization: `Bearer ${TOKEN}` });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.body, /process_cpu/);
    assert.equal((await ask(alone.metricsUrl!.replace('metrics', ''))).status, 404);
    await assert.rejects(
      Observers.open(control, { metricsTokenFile: file }),
      /given without --metrics/,
    );
  });

  test('of a real host are what its adapters count', async () => {
    await using host = await Host.start({ runDirectory: join(folder, 'run') });
    await host.create({ name: 'tt-metrics', link: 'memory', addresses: ['10.7.0.1/24'] });
    const text = await (await Metrics.open(host)).read();
    assert.match(
      text,
      /typetun_adapter_info\{adapter="tt-metrics",device="WINTUN\d+",link="memory",origin="control"\} 1/,
    );
    assert.match(text, /typetun_read_wait_seconds_count\{adapter="tt-metrics",.*\} 0/);
    await host.call('adapter.pause', { adapter: 'tt-metrics' });
    const paused = await (await Metrics.open(host)).read();
    assert.match(paused, /typetun_adapter_state\{adapter="tt-metrics",.*state="Paused"\} 1/);
  });

  test('a debug file is for its user alone, and takes the place of the one before', async () => {
    const control = new ScriptedControl(ADAPTERS);
    const run = mkdtempSync(join(folder, 'debug-'));
    symlinkSync('/dev/full', join(run, 'debug.json'));
    const path = await writeDebugFile(control, run);
    assert.equal(path, join(run, 'debug.json'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const report = JSON.parse(readFileSync(path, 'utf8')) as { adapters: { name: string }[] };
    assert.deepEqual(
      report.adapters.map(({ name }) => name),
      ['demo', 'lent'],
    );
    await writeDebugFile(control, run);
    assert.deepEqual(readdirSync(run), ['debug.json']);
    await assert.rejects(writeDebugFile(control, join(folder, 'nowhere')), { code: 'ENOENT' });
  });
});

describe('a log', () => {
  /** What a process of its own writes to standard error. */
  async function logged(options: string): Promise<string> {
    const code = `
      const { openLog } = await import('typetun/observe');
      const log = await openLog(${options});
      for (const level of ['debug', 'info', 'warn', 'error'])
        log(level, 'a ' + level + '\\nline', { adapter: 'demo', uid: 7, none: undefined });
      process.kill(process.pid, 'SIGKILL');`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
    const { stderr } = await run.catch((error: { stderr: string }) => error);
    return stderr;
  }

  test('is JSON that pino writes, from a level on, and all of it also when the process is killed', async () => {
    const lines = (await logged("{ format: 'json', level: 'info' }")).trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      entries.map(({ level }) => level),
      ['info', 'warn', 'error'],
    );
    const { time, ...rest } = entries[0]!;
    assert.deepEqual(rest, {
      level: 'info',
      name: 'typetun',
      adapter: 'demo',
      uid: 7,
      msg: 'a info\nline',
    });
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  });

  test('is a line for people otherwise', async () => {
    assert.equal(
      await logged("{ level: 'warn' }"),
      'typetun: warn: a warn\\nline (adapter=demo, uid=7)\ntypetun: error: a error\\nline (adapter=demo, uid=7)\n',
    );
  });
});

/** Counters of one direction, and the metric that has each. */
const COVERED: Readonly<Record<string, string>> = {
  octets: 'typetun_octets_total',
  unicastPackets: 'typetun_packets_total',
  unicastOctets: 'typetun_cast_octets_total',
  multicastPackets: 'typetun_packets_total',
  multicastOctets: 'typetun_cast_octets_total',
  broadcastPackets: 'typetun_packets_total',
  broadcastOctets: 'typetun_cast_octets_total',
  errors: 'typetun_errors_total',
  discards: 'typetun_discards_total',
};
