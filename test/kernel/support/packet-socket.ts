/** What the kernel tells about a packet socket's queue. */

import { libc } from '#dist/os/libc.js';

const SOL_SOCKET = 1;
/** `SO_MEMINFO` (asm-generic/socket.h): `SK_MEMINFO_RMEM_ALLOC`, `SK_MEMINFO_RCVBUF`, and seven more. */
const SO_MEMINFO = 55;
const WORDS = 9;

function memory(fd: number): Uint32Array {
  const words = new Uint32Array(WORDS);
  const length = new Uint8Array(Uint32Array.of(words.byteLength).buffer);
  const bytes = new Uint8Array(words.buffer);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, bytes, length) < 0)
    throw new Error('SO_MEMINFO');
  return words;
}

/** Bytes that what waits in it takes, as the kernel reckons. */
export function queuedBytes(fd: number): number {
  return memory(fd)[0]!;
}

/** Bytes from which on it takes no more. */
export function queueLimit(fd: number): number {
  return memory(fd)[1]!;
}
