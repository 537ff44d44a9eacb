/**
 * What becomes of a super-packet, against what the kernel makes of the very same: it is written with
 * its virtio-net header into a TUN with offload, and forwarded to one without, for which the kernel
 * has to segment it by itself.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createTun } from '#dist/link/linux/tun.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { plainKernels, simdKernels } from '#dist/wire/kernels/kernels.js';
import { runMerge, runSplit, WORK_BYTES } from '../support/kernel-runs.ts';
import {
  ACK,
  type Recipe,
  type SuperPacket,
  superPacket,
  transportPacket,
} from '../support/transport-packets.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const skip = rootSkip();
const PSH = 0x08;
const FIN = 0x01;
const ECE = 0x40;
const CWR = 0x80;
/** Timestamps behind two no-operations (RFC 7323, appendix A). */
const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4];
/** An empty option to fill the header (RFC 8200, section 4.2). */
const PADDING = [0, 0, 1, 4, 0, 0, 0, 0];
const HOP_BY_HOP = 0;
const DESTINATION_OPTIONS = 60;
const KERNELS = [simdKernels(WORK_BYTES), plainKernels(WORK_BYTES)];

const bytesOf = (length: number): number[] =>
  Array.from({ length }, (_, i) => (i * 11 + (i >> 7)) & 0xff);

interface Devices {
  /** With offload: what is written here is forwarded. */
  readonly from: number;
  /** Without: here it comes out. */
  readonly to: number;
}

async function withDevices(use: (devices: Devices) => Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    const inside = (...args: string[]) => run('ip', ['netns', 'exec', netns, ...args]);
    for (const setting of [
      'ipv4.ip_forward=1',
      'ipv6.conf.all.forwarding=1',
      'ipv4.conf.all.rp_filter=0',
    ]) {
      await inside('sysctl', '-qw', `net.${setting}`);
    }
    const from = inNetworkNamespace(netns, () => createTun({ name: 'from', offload: true }));
    const to = inNetworkNamespace(netns, () => createTun({ name: 'to' }));
    assert.deepEqual(from.segmentation, ['tso4', 'tso6', 'uso']);
    try {
      for (const [name, net] of [
        ['from', 7],
        ['to', 8],
      ] as const) {
        await ip('-n', netns, 'link', 'set', name, 'addrgenmode', 'none');
        await ip('-n', netns, 'link', 'set', name, 'mtu', '1500', 'up');
        await ip('-n', netns, 'address', 'add', `10.${net}.0.254/24`, 'dev', name);
        await ip('-n', netns, 'address', 'add', `fd0${net}::fe/64`, 'dev', name, 'nodad');
      }
      await use({ from: from.fds[0]!, to: to.fds[0]! });
    } finally {
      closeSync(from.fds[0]!);
      closeSync(to.fds[0]!);
    }
  });
}

/** What the kernel forwards, until nothing more comes for a while. */
async function drain(fd: number): Promise<Uint8Array[]> {
  const packets: Uint8Array[] = [];
  const buffer = Buffer.alloc(65_536);
  for (let idle = 0; idle < 20; ) {
    try {
      const length = readSync(fd, buffer);
      if (!isMulticast(buffer)) packets.push(new Uint8Array(buffer.subarray(0, length)));
      idle = 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      idle++;
      await sleep(1);
    }
  }
  return packets;
}

/** The kernel's own reports of the groups that it has joined. */
function isMulticast(packet: Uint8Array): boolean {
  return packet[0]! >> 4 === 6 && packet[24] === 0xff;
}

async function forward(
  { from, to }: Devices,
  { header, packet }: SuperPacket,
): Promise<Uint8Array[]> {
  assert.equal(writeSync(from, Buffer.concat([header, packet])), 10 + packet.length);
  return await drain(to);
}

/** Without the time to live, and the header checksum that goes with it. */
function forwarded(packet: Uint8Array): number[] {
  const bytes = [...packet];
  if (bytes[0]! >> 4 === 6) bytes[7] = 0;
  else {
    bytes[8] = 0;
    bytes[10] = 0;
    bytes[11] = 0;
  }
  return bytes;
}

const TCP: Recipe = { version: 4, protocol: 'tcp', flow: 0, payload: bytesOf(5000), sequence: 77 };
const CASES: readonly (readonly [string, Recipe, number])[] = [
  ['TCP', TCP, 1000],
  ['TCP, the last one byte long', { ...TCP, payload: bytesOf(4001) }, 1000],
  ['TCP in odd sizes', { ...TCP, payload: bytesOf(4999) }, 333],
  ['TCP of a whole super-packet', { ...TCP, payload: bytesOf(60_000), options: TIMESTAMPS }, 1448],
  ['TCP with timestamps', { ...TCP, options: TIMESTAMPS }, 1448],
  ['TCP whose sequence wraps', { ...TCP, sequence: 0xffff_fe00 }, 1000],
  ['TCP whose identification wraps', { ...TCP, identification: 65_534 }, 1000],
  ['TCP that may be fragmented', { ...TCP, identification: 9, fragment: 0 }, 1000],
  ['TCP with PSH', { ...TCP, flags: ACK | PSH }, 1000],
  ['TCP with PSH and FIN', { ...TCP, flags: ACK | PSH | FIN }, 1000],
  ['TCP with CWR and ECE', { ...TCP, flags: ACK | CWR | ECE, tos: 2 }, 1000],
  ['TCP with IP options', { ...TCP, ipOptions: [1, 1, 1, 0] }, 1000],
  ['TCP of one segment', { ...TCP, payload: bytesOf(500) }, 1000],
  ['TCP over IPv6', { ...TCP, version: 6, flowLabel: 0xabcd }, 1000],
  ['TCP over IPv6 with all flags', { ...TCP, version: 6, flags: ACK | PSH | FIN | CWR }, 999],
  [
    'TCP over IPv6 behind a hop-by-hop header',
    { ...TCP, version: 6, extension: { next: HOP_BY_HOP, bytes: PADDING } },
    1000,
  ],
  [
    'TCP over IPv6 behind destination options',
    { ...TCP, version: 6, extension: { next: DESTINATION_OPTIONS, bytes: PADDING } },
    1000,
  ],
  ['UDP', { ...TCP, protocol: 'udp' }, 1000],
  ['UDP in odd sizes', { ...TCP, protocol: 'udp', payload: bytesOf(1001) }, 77],
  ['UDP over IPv6', { ...TCP, version: 6, protocol: 'udp', payload: bytesOf(3333) }, 600],
];

test('splits every super-packet as the kernel does, byte for byte', { skip }, async (context) => {
  await withDevices(async (devices) => {
    for (const [what, recipe, size] of CASES) {
      await context.test(what, async () => {
        const whole = superPacket(recipe, size);
        const expected = (await forward(devices, whole)).map(forwarded);
        assert.equal(expected.length, Math.ceil(recipe.payload.length / size));
        for (const kernels of KERNELS) {
          assert.deepEqual(runSplit(kernels, whole).packets.map(forwarded), expected);
        }
      });
    }
  });
});

test('what it merges the kernel takes apart into what it was', { skip }, async (context) => {
  await withDevices(async (devices) => {
    for (const [what, recipe, size] of CASES) {
      if (recipe.ipOptions || recipe.extension || (recipe.flags ?? ACK) & ~(ACK | PSH)) continue;
      await context.test(what, async () => {
        const packets = runSplit(KERNELS[0]!, superPacket(recipe, size)).packets;
        for (const kernels of KERNELS) {
          const writes = runMerge(kernels, packets);
          assert.ok(writes.length < packets.length || packets.length === 1);
          const out: Uint8Array[] = [];
          for (const write of writes) out.push(...(await forward(devices, write)));
          assert.deepEqual(out.map(forwarded), packets.map(forwarded));
        }
      });
    }
  });
});

test('a checksum that is left open is completed as the kernel does', { skip }, async () => {
  await withDevices(async (devices) => {
    for (const version of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        for (const length of [0, 1, 2, 3, 17, 1000, 1399]) {
          const recipe: Recipe = { version, protocol, flow: 0, payload: bytesOf(length) };
          const { header, packet } = superPacket(recipe, 0);
          header[1] = 0;
          const expected = (await forward(devices, { header, packet })).map(forwarded);
          assert.deepEqual(expected, [forwarded(transportPacket(recipe))]);
          for (const kernels of KERNELS) {
            const { packets } = runSplit(kernels, { header, packet });
            assert.deepEqual(packets.map(forwarded), expected);
          }
        }
      }
    }
  });
});
