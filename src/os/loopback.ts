/**
 * The loopback interface, which a new network namespace has down: without it nothing there can talk to
 * itself.
 *
 * Source: netdevice(7); numbers from linux/sockios.h, linux/if.h and bits/socket.h.
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { libc, syscallError } from './libc.ts';

const LOOPBACK = 'lo';
const AF_INET = 2;
/** `SOCK_DGRAM | SOCK_CLOEXEC`. */
const SOCKET_TYPE = 0o2000002;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
/** Interface flag: up. */
const IFF_UP = 1;
/** Bytes of `struct ifreq`, and where its flags lie behind the name. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;

/**
 * Brings it up in the thread's network namespace; nothing happens when it is.
 *
 * @throws TunError `SYSCALL`.
 */
export function bringLoopbackUp(): void {
  const fd = libc().socket(AF_INET, SOCKET_TYPE, 0);
  if (fd < 0) throw syscallError('socket', libc().errno(), 'bring the loopback interface up');
  try {
    const request = new Uint8Array(IFREQ_BYTES);
    request.set(new TextEncoder().encode(LOOPBACK));
    call(fd, SIOCGIFFLAGS, request);
    const view = new DataView(request.buffer);
    const flags = view.getUint16(IFREQ_FLAGS, HOST_LITTLE_ENDIAN);
    if ((flags & IFF_UP) !== 0) return;
    view.setUint16(IFREQ_FLAGS, flags | IFF_UP, HOST_LITTLE_ENDIAN);
    call(fd, SIOCSIFFLAGS, request);
  } finally {
    libc().close(fd);
  }
}

function call(fd: number, request: number, argument: Uint8Array): void {
  if (libc().ioctl(fd, request, argument) === 0) return;
  throw syscallError('ioctl', libc().errno(), 'bring the loopback interface up');
}
