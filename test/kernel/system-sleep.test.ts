/**
 * Sleep and waking as a real message bus carries them; logind's part is played. That the machine
 * sleeps is nothing a test can do.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { beforeEach, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, MAX_BUNDLE_BYTES } from 'typetun';
import { watchSystemSleep } from '#dist/os/system-sleep.js';
import { sleepSignal } from '../reference/dbus-message.ts';
import { runScript } from '../support/child.ts';
import { until, warningsDuring } from '../support/until.ts';
import { type Bus, dbusSkip, joinBus, type Peer, startBus } from './support/dbus.ts';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const skip = dbusSkip();
const BUS_VARIABLE = 'DBUS_SYSTEM_BUS_ADDRESS';
/** One echo request to a host of the adapter's network that is not there. */
const PING = ['-c', '1', '-W', '1', '10.7.0.2'];
/** More connections than a test makes: unique names are counted from 0. */
const UNIQUE_NAMES = Array.from({ length: 20 }, (_, number) => `:1.${number}`);

let warnings: string[] = [];
beforeEach((context) => {
  warnings = warningsDuring(context as TestContext);
});

async function standInLogind(bus: Bus): Promise<Peer> {
  const logind = await joinBus(bus);
  await logind.ownLogin();
  return logind;
}

/** Says that the system bus is at this address, until disposed of. */
function systemBusAt(address: string): Disposable {
  const before = process.env[BUS_VARIABLE];
  process.env[BUS_VARIABLE] = address;
  return {
    [Symbol.dispose]() {
      if (before === undefined) delete process.env[BUS_VARIABLE];
      else process.env[BUS_VARIABLE] = before;
    },
  };
}

test('hears logind say suspend and resume', { skip }, async () => {
  await using bus = await startBus();
  using logind = await standInLogind(bus);
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, true);
  await logind.send(sleepSignal(true));
  await until(() => phases.length === 1);
  await logind.send(sleepSignal(false));
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['suspend', 'resume']);
});

test('finds the bus by DBUS_SYSTEM_BUS_ADDRESS', { skip }, async () => {
  await using bus = await startBus();
  using _logind = await standInLogind(bus);
  using _place = systemBusAt(bus.address);
  using watch = watchSystemSleep(() => {});
  assert.equal(await watch.available, true);
});

test('hears nobody else, broadcast or sent to us', { skip }, async () => {
  await using bus = await startBus();
  using logind = await standInLogind(bus);
  using stranger = await joinBus(bus);
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, true);
  await stranger.send(sleepSignal(true));
  await stranger.send(...UNIQUE_NAMES.map((name) => sleepSignal(true, undefined, name)));
  await stranger.send(...UNIQUE_NAMES.map((name) => sleepSignal(true, logind.name, name)));
  await logind.send(sleepSignal(false));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['resume']);
});

test('what is sent to us by the owner of the name does arrive', { skip }, async () => {
  await using bus = await startBus();
  using logind = await standInLogind(bus);
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, true);
  await logind.send(...UNIQUE_NAMES.map((name) => sleepSignal(true, undefined, name)));
  await until(() => phases.length > 0);
});

test('follows logind when it starts late and when it starts again', { skip }, async () => {
  await using bus = await startBus();
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, false);
  const first = await standInLogind(bus);
  await first.send(sleepSignal(true));
  await until(() => phases.length === 1);
  first[Symbol.dispose]();
  using stranger = await joinBus(bus);
  await stranger.send(...UNIQUE_NAMES.map((name) => sleepSignal(true, undefined, name)));
  using second = await standInLogind(bus);
  await second.send(sleepSignal(false));
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['suspend', 'resume']);
});

test('a daemon that is killed is one warning, and the next one is found', { skip }, async () => {
  await using bus = await startBus();
  using _logind = await standInLogind(bus);
  const phases: string[] = [];
  using first = watchSystemSleep((phase) => phases.push(`first ${phase}`), bus);
  assert.equal(await first.available, true);
  await bus.kill();
  await until(() => warnings.length > 0);
  using dead = watchSystemSleep(() => assert.fail(), bus);
  assert.equal(await dead.available, false);
  dead.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^no more suspend and resume events: /);

  await bus.start();
  using logind = await standInLogind(bus);
  using second = watchSystemSleep((phase) => phases.push(`second ${phase}`), bus);
  assert.equal(await second.available, true);
  await logind.send(sleepSignal(true));
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['first suspend', 'second suspend']);
});

test('without the right to the bus it is as if there were none', { skip }, async () => {
  await using bus = await startBus('<deny user="*"/>');
  using watch = watchSystemSleep(() => assert.fail(), bus);
  assert.equal(await watch.available, false);
  await using deaf = await startBus(
    '<deny send_interface="org.freedesktop.DBus" send_member="AddMatch"/>',
  );
  using other = watchSystemSleep(() => assert.fail(), deaf);
  assert.equal(await other.available, false);
  assert.deepEqual(warnings, []);
});

test('keeps no process alive', { skip }, async () => {
  await using bus = await startBus();
  using _logind = await standInLogind(bus);
  const { status, stdout, stderr } = await runScript(`
    import { watchSystemSleep } from '#dist/os/system-sleep.js';
    const watch = watchSystemSleep(() => {}, { address: '${bus.address}' });
    const wait = setTimeout(() => {}, 5000);
    console.log(await watch.available);
    clearTimeout(wait);
  `);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'true\n', stderr: '' });
});

test('an adapter sleeps and wakes with the machine', {
  skip: skip || rootSkip('ping'),
}, async () => {
  await using bus = await startBus();
  using logind = await standInLogind(bus);
  using _place = systemBusAt(bus.address);
  await withNetns(async (netns) => {
    const ping = async () =>
      await run('ip', ['netns', 'exec', netns, 'ping', ...PING]).catch(() => 0);
    await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], mtu: 1400, netns });
    await using device = adapter.openDevice();
    // On the same connection as the adapter's own, and asked for later.
    using watch = watchSystemSleep(() => {});
    assert.equal(await watch.available, true);
    const { luidIndex } = adapter;

    await logind.send(sleepSignal(true));
    await until(() => adapter.power === 'D3');
    assert.equal(adapter.state, 'Running');
    await ping();
    await logind.send(sleepSignal(false));
    await until(() => adapter.power === 'D0');
    const { mtu, addresses, openHandles } = adapter;
    assert.deepEqual(
      { mtu, addresses, openHandles },
      { mtu: 1400, addresses: ['10.7.0.1/24'], openHandles: 1 },
    );
    assert.equal(adapter.luidIndex, luidIndex);
    assert.ok(adapter.statistics.drops.lowPower > 0);

    const read = device.read(new Uint8Array(MAX_BUNDLE_BYTES));
    await ping();
    assert.ok((await read).count > 0);
  });
});

test('a closed adapter lets go of the bus', { skip: skip || rootSkip('ping') }, async () => {
  await using bus = await startBus();
  using _logind = await standInLogind(bus);
  using _place = systemBusAt(bus.address);
  const sockets = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith('socket:')).length;
  const before = sockets();
  const adapter = await Adapter.create();
  assert.ok(sockets() > before, 'it holds a connection while it is there');
  await adapter.close();
  await until(() => sockets() === before);
});

test("the doctor says that the machine's sleep is noticed", { skip }, async () => {
  await using bus = await startBus();
  using _logind = await standInLogind(bus);
  using _place = systemBusAt(bus.address);
  const { stdout } = await run(process.execPath, ['dist/cli/main.js', 'doctor']).catch(
    // Something else that is missing makes it exit with 1.
    (error: { stdout: string }) => error,
  );
  assert.match(stdout, /^ok +system-sleep +logind tells/m);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'gone, with the folder that was being read';
  }
}
