/**
 * How packages for Node drive a TUN: `fs` streams on its descriptor, so that every packet costs a
 * thread hop and a callback in each direction.
 */

import { close, createReadStream, createWriteStream, open as openFile, write } from 'node:fs';
import { createTun } from '#dist/link/linux/tun.js';
import { libc } from '#dist/os/libc.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';

const LARGEST_PACKET_BYTES = 65_536;
/** `F_SETFL` and `O_RDWR` (fcntl.h): blocking again, as those packages open it. */
const F_SETFL = 4;
const O_RDWR = 2;

function open(netns: string): number {
  const { fds } = inNetworkNamespace(netns, () => createTun({ name: 'bench0' }));
  const fd = fds[0]!;
  libc().fcntl(fd, F_SETFL, O_RDWR);
  return fd;
}

/**
 * What the output may use. Not `writev`, which would make one packet of all that wait, of which the
 * kernel takes the first: each is written by itself, as those packages do.
 */
const ONE_BY_ONE = { open: openFile, write, close };

function forward(from: number, to: number): void {
  const output = createWriteStream('', { fd: to, fs: ONE_BY_ONE });
  // A packet that the host refuses must not end the stream.
  output.on('error', () => undefined);
  createReadStream('', { fd: from, highWaterMark: LARGEST_PACKET_BYTES }).pipe(output);
}

const [, , netnsA = '', netnsB = ''] = process.argv;
const a = open(netnsA);
const b = open(netnsB);
forward(a, b);
forward(b, a);
console.log('ready');
