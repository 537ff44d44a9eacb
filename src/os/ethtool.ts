/**
 * What an Ethernet interface leaves to its hardware. A veth has none: what it is handed unfinished, its
 * other end gets unfinished.
 *
 * Source: linux/ethtool.h, linux/sockios.h, netdevice(7).
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { addressOf } from './address.ts';
import { libc, syscallError } from './libc.ts';

const AF_INET = 2;
/** `SOCK_DGRAM | SOCK_CLOEXEC`. */
const SOCKET_TYPE = 0o2000002;
const SIOCETHTOOL = 0x8946;
/** `ETHTOOL_STXCSUM`, `ETHTOOL_STSO`, `ETHTOOL_SGSO`: each takes 1 or 0. */
const CHECKSUMS = 0x17;
const TCP_SEGMENTATION = 0x1f;
const SEGMENTATION = 0x24;
/** Bytes of `struct ifreq`, and where behind the name a pointer lies. */
const IFREQ_BYTES = 40;
const IFREQ_POINTER = 16;

/**
 * Has the kernel complete every checksum, and split every super-packet, before this interface of the
 * thread's present network namespace gets a packet.
 *
 * @throws TunError `SYSCALL`.
 */
export function finishPackets(name: string): void {
  const fd = libc().socket(AF_INET, SOCKET_TYPE, 0);
  if (fd < 0) throw syscallError('socket', libc().errno(), `set up "${name}"`);
  try {
    for (const command of [CHECKSUMS, TCP_SEGMENTATION, SEGMENTATION]) switchOff(fd, name, command);
  } finally {
    libc().close(fd);
  }
}

function switchOff(fd: number, name: string, command: number): void {
  /** `struct ethtool_value`: what is set, and to what. */
  const value = Uint32Array.of(command, 0);
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name));
  const address = BigInt(addressOf(value));
  new DataView(request.buffer).setBigUint64(IFREQ_POINTER, address, HOST_LITTLE_ENDIAN);
  if (libc().ioctl(fd, SIOCETHTOOL, request) === 0) return;
  throw syscallError(
    'ioctl(SIOCETHTOOL)',
    libc().errno(),
    `have the kernel finish packets for "${name}"`,
  );
}
