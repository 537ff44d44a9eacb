/**
 * The demo's checks through the stand-in that carries packets to the Linux kernel: real ICMP and UDP of
 * a Windows program, by the very code that runs on Windows (ICMPv6, which Wine 8 lacks, comes from the
 * kernel's own socket). Run by scripts/windows-tests.mjs in a network
 * namespace of its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import type { KernelCheck } from '#dist/cli/demo/checks/context.js';
import { checkIcmp } from '#dist/cli/demo/checks/icmp.js';
import { checkPause } from '#dist/cli/demo/checks/pause.js';
import { checkTcp } from '#dist/cli/demo/checks/tcp.js';
import { checkUdp } from '#dist/cli/demo/checks/udp.js';
import { reflect } from '#dist/cli/demo/reflector.js';
import { type Check, isSkipped } from '#dist/cli/demo/result.js';
import { WindowsEcho } from '#dist/os/windows-echo.js';
import { linuxEcho } from '../support/linux-echo.ts';
import { Standin } from '../support/standin.ts';

const standin = new Standin('kernel.dll');

const SIDES = {
  4: { local: '10.7.0.1', remote: '10.7.0.2' },
  6: { local: 'fd07::1', remote: 'fd07::2' },
} as const;

const CHECKS: readonly (readonly [
  string,
  4 | 6,
  (context: KernelCheck, adapter: Adapter) => Promise<Check>,
])[] = [
  ['icmp4: every size from none to what the MTU takes', 4, (context) => checkIcmp(context, 4)],
  ['icmp6: every size from none to what the MTU takes', 6, (context) => checkIcmp(context, 6)],
  ['udp4: ten thousand datagrams, each compared', 4, (context) => checkUdp(context, 4)],
  ['udp6: ten thousand datagrams, each compared', 6, (context) => checkUdp(context, 6)],
  ['tcp4: a transfer, compared', 4, (context) => checkTcp(context, 4, 0)],
  ['tcp6: a transfer, compared', 6, (context) => checkTcp(context, 6, 0)],
  ['pause: in the middle of a transfer', 4, checkPause],
];

for (const [what, family, run] of CHECKS) {
  test(what, async () => {
    await using adapter = await Adapter.create({
      name: 'typetun0',
      addresses: ['10.7.0.1/24', 'fd07::1/64'],
      link: standin.provider,
      wintun: standin.options,
    });
    const reflecting = reflect(adapter.openDevice());
    const context: KernelCheck = {
      ...SIDES[family],
      mtu: adapter.mtu,
      openEcho: family === 6 ? linuxEcho(standin.path) : WindowsEcho.open,
      signal: AbortSignal.timeout(60_000),
      onBytes: () => undefined,
    };
    const check = await run(context, adapter);
    console.log(JSON.stringify(check));
    assert.ok(!isSkipped(check) && check.ok, JSON.stringify(check));
    await adapter.close();
    await reflecting;
  });
}
