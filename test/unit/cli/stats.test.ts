/** Rates of `typetun stats --watch`, and interfaces as the system has them. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TunErrorCode } from 'typetun';
import { interfaceStatistics, machineInterfaces } from '#dist/cli/machine/interfaces.js';
import { ratesBetween } from '#dist/cli/stats/rates.js';
import type { Sample } from '#dist/cli/stats/sample.js';

function sample(adapter: string, time: number, packets: number, octets: number): Sample {
  const direction = { packets, octets, errors: 0, dropped: packets / 10 };
  return {
    adapter,
    device: `WINTUN-of-${adapter}`,
    time,
    interface: { out: direction, in: direction },
  };
}

test('a rate is what passed, divided by the time between', () => {
  const rates = ratesBetween([sample('a', 1000, 100, 1000)], [sample('a', 3000, 300, 9000)]);
  assert.deepEqual(rates, [
    {
      adapter: 'a',
      ...{ outPackets: 100, outOctets: 4000, inPackets: 100, inOctets: 4000 },
      ...{ lost: 20, packetsPerBundle: null },
    },
  ]);
});

test('an adapter that is new has no rates yet, and one that was made anew none below zero', () => {
  const before = [sample('a', 1000, 100, 1000)];
  const rates = ratesBetween(before, [sample('a', 2000, 0, 0), sample('b', 2000, 5, 5)]);
  assert.deepEqual(
    rates.map(({ adapter, outPackets }) => [adapter, outPackets]),
    [['a', 0]],
  );
});

test('an adapter that was renamed is the same by its device', () => {
  const renamed = { ...sample('a', 2000, 200, 0), adapter: 'z' };
  const [rate] = ratesBetween([sample('a', 1000, 100, 0)], [renamed]);
  assert.deepEqual([rate!.adapter, rate!.outPackets], ['z', 100]);
});

test('of the interfaces of a machine those of TUN are taken, TAP and others left', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-net-'));
  const put = (name: string, file: string, text: string): void => {
    mkdirSync(join(folder, name, 'statistics'), { recursive: true });
    writeFileSync(join(folder, name, file), `${text}\n`);
  };
  try {
    put('eth0', 'ifindex', '2');
    for (const [name, flags] of [
      ['tun7', '0x1901'],
      ['tap8', '0x1002'],
    ]) {
      put(name!, 'tun_flags', flags!);
      put(name!, 'ifindex', '4000000');
      put(name!, 'mtu', '1400');
      put(name!, 'flags', '0x1003');
      put(name!, 'owner', '1000');
      put(name!, 'group', '-1');
    }
    put('tun7', 'statistics/tx_packets', '5');
    put('tun7', 'statistics/rx_bytes', '84');
    assert.deepEqual(machineInterfaces(folder, 'linux'), [
      {
        ...{ name: 'tun7', luidIndex: 4_000_000, device: '\\\\.\\Device\\WINTUN4000000' },
        ...{ link: 'linux', mtu: 1400, up: true, carrier: false, addresses: [] },
        ...{ persist: true, multiQueue: true, owner: 1000, group: null },
      },
    ]);
    const { out, in: into } = interfaceStatistics('tun7', folder);
    assert.deepEqual([out.packets, into.octets], [5, 84]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('elsewhere than on Linux the interfaces of the machine are not looked at, and it says so', () => {
  for (const system of ['windows', 'macos'] as const) {
    assert.throws(() => machineInterfaces('/nowhere', system), { code: TunErrorCode.UNSUPPORTED });
  }
});
