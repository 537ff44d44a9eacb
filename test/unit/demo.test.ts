import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseAddresses } from '#dist/cli/demo/addresses.js';
import { isPauseOk } from '#dist/cli/demo/checks/pause.js';
import { DatagramCheck, datagram } from '#dist/cli/demo/checks/udp.js';
import { SendWindow } from '#dist/cli/demo/send-window.js';
import { mixedSize, quantile } from '#dist/cli/demo/sizes.js';
import { sparkline } from '#dist/cli/demo/sparkline.js';

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
