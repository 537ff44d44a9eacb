import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { addressesFor, chooseAddresses } from '#dist/cli/demo/addresses.js';
import { isPauseOk } from '#dist/cli/demo/checks/pause.js';
import { DatagramCheck, datagram } from '#dist/cli/demo/checks/udp.js';
import { summaryLines } from '#dist/cli/demo/report.js';
import type { DemoResult } from '#dist/cli/demo/result.js';
import { SendWindow } from '#dist/cli/demo/send-window.js';
import { mixedSize, quantile } from '#dist/cli/demo/sizes.js';
import { sparkline } from '#dist/cli/demo/sparkline.js';
import { terminalOf } from '#dist/cli/terminal.js';

test('the usual addresses are taken when they are free', () => {
  const addresses = chooseAddresses(['127.0.0.1/8', '192.0.2.2/24', 'fe80::1/64']);
  assert.equal(addresses[4].prefix, '10.7.0.1/24');
  assert.equal(addresses[6].prefix, 'fd07::1/64');
  assert.equal(addresses.note, undefined);
});

test('networks that overlap an interface are passed over, and that is said', () => {
  for (const used of ['10.7.0.9/24', '10.7.0.0/16', '10.7.0.77/32', 'fd07::5/64']) {
    const addresses = chooseAddresses([used]);
    assert.equal(addresses[4].prefix, '10.8.0.1/24');
    assert.equal(addresses[6].prefix, 'fd07:8::1/64');
    assert.match(addresses.note ?? '', /in use here; taking 10\.8\.0\.1\/24/);
  }
  assert.throws(() => chooseAddresses(['10.0.0.1/8']), /are in use/);
});

test('in process the usual addresses are taken whatever the system uses', () => {
  const used = ['10.0.0.0/8'];
  assert.equal(addressesFor('memory', () => used)[4].prefix, '10.7.0.1/24');
  assert.equal(addressesFor('memory', () => used).note, undefined);
  assert.throws(() => addressesFor('rootless', () => used), /are in use/);
});

test('the summary says how many packets were dropped why', () => {
  const drops = { paused: 29, lowPower: 0, notOpen: 0, queueFull: 2, oversize: 0 };
  const rest = { unreadable: 0, cleared: 0, cancelled: 0, abandoned: 0 };
  const bundles = { read: 3, written: 3, packetsRead: 9, packetsWritten: 9 };
  const result = (all: object, hostDrops: number): DemoResult =>
    ({
      checks: [],
      bundles: { ...bundles, packetsPerBundle: { mean: 3, max: 3 } },
      statistics: { bundles, drops: all, hostDrops },
    }) as never;
  const terminal = terminalOf(new PassThrough() as never);
  const lines = (all: object, hostDrops: number): string =>
    summaryLines(result(all, hostDrops), [1, 2], terminal).join('\n');
  const some = lines({ ...drops, ...rest }, 3);
  assert.match(some, /dropped: 29 on purpose, while paused, 2 for want of room in the adapter/);
  assert.match(some, /, 3 for want of room in the system's queue/);
  assert.match(some, /rate .* at most 2\.00 Gbit\/s/);
  assert.match(lines({ ...drops, ...rest, paused: 0, queueFull: 0 }, 0), /written, none dropped/);
});

test('a pause that held nothing back is not ok', () => {
  const good = {
    pausedMs: 400,
    offeredWhilePaused: 20,
    deliveredWhilePaused: 0,
    resumedAfterMs: 3,
    recovered: true,
  };
  assert.equal(isPauseOk(good), true);
  assert.equal(isPauseOk({ ...good, offeredWhilePaused: 0 }), false);
  assert.equal(isPauseOk({ ...good, deliveredWhilePaused: 1 }), false);
  assert.equal(isPauseOk({ ...good, recovered: false }), false);
});

test('a datagram with one changed byte, and one that was never sent, count as corrupt', () => {
  const check = new DatagramCheck();
  const data = datagram(5, 1472);
  check.sent(5, data);
  assert.equal(check.arrived(data), 5);
  const changed = Buffer.from(data);
  changed[changed.length - 1]! ^= 1;
  assert.equal(check.arrived(changed), undefined);
  assert.equal(check.arrived(datagram(6, 1472)), undefined);
  assert.equal(check.arrived(Buffer.alloc(0)), undefined);
  assert.equal(check.corrupt, 3);
});

test('mixed sizes include both ends and stay within them', () => {
  const sizes = Array.from({ length: 10_000 }, (_, i) => mixedSize(i, 4, 1472));
  assert.equal(Math.min(...sizes), 4);
  assert.equal(Math.max(...sizes), 1472);
  assert.ok(new Set(sizes).size > 1400);
});

test('a window never has more under way than allowed, and sends nothing twice', async () => {
  const sent: number[] = [];
  let most = 0;
  let underWay = 0;
  const window = new SendWindow(100, 8, new AbortController().signal, (number) => {
    sent.push(number);
    most = Math.max(most, ++underWay);
    setImmediate(() => {
      underWay--;
      window.arrived(number);
      window.arrived(number);
    });
  });
  assert.deepEqual(await window.run(), { sent: 100, received: 100, lost: 0 });
  assert.deepEqual(
    sent,
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.equal(most, 8);
});

test('what does not arrive is lost and not sent again', async () => {
  const sent: number[] = [];
  const window = new SendWindow(10, 4, new AbortController().signal, (number) => {
    sent.push(number);
    if (number % 5 !== 0) setImmediate(() => window.arrived(number));
  });
  assert.deepEqual(await window.run(), { sent: 10, received: 8, lost: 2 });
  assert.equal(sent.length, 10);
});

test('a window ends when it is aborted', async () => {
  const controller = new AbortController();
  const window = new SendWindow(10, 4, controller.signal, () => undefined);
  const running = window.run();
  controller.abort(new Error('stop'));
  await assert.rejects(running, /stop/);
});

test('quantiles and sparklines of nothing and of something', () => {
  assert.equal(quantile([], 0.5), 0);
  assert.equal(quantile([1, 2, 3, 4], 0.5), 3);
  assert.equal(sparkline([], 10, true), '');
  assert.equal(sparkline([0, 1, 2, 4], 10, true), '▁▃▅█');
  assert.equal(sparkline([0, 4], 10, false), '_@');
  assert.equal(sparkline([1, 1, 3, 3], 2, true).length, 2);
});
