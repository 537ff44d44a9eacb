/**
 * Tells the service manager how this process does: one datagram to the socket it was given. Node has no datagram
 * sockets of the Unix family.
 *
 * Source: sd_notify(3), "Standalone Implementations"; numbers from sys/socket.h of Linux.
 */

import { libc } from './libc.ts';
import { socketAddress } from './unix-socket.ts';

const AF_UNIX = 1;
/** `SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK`. */
const SOCKET_TYPE = 2 | 0o2004000;
const MSG_NOSIGNAL = 0x4000;
/** In front of a name of the abstract namespace, as the variable has it. */
const ABSTRACT = /^@/;

/** What sd_notify(3) knows: `READY=1`, `STOPPING=1`, `STATUS=...`, one a line. */
export type ServiceState = string;

/**
 * Tells it; returns whether there is a manager that took it. Nothing is told where $NOTIFY_SOCKET is not set, and
 * nothing fails.
 */
export function notifyService(
  state: ServiceState,
  path: string | undefined = process.env['NOTIFY_SOCKET'],
): boolean {
  if (!path) return false;
  const fd = libc().socket(AF_UNIX, SOCKET_TYPE, 0);
  if (fd < 0) return false;
  try {
    const address = socketAddress(path.replace(ABSTRACT, '\0'));
    const data = new TextEncoder().encode(state);
    return libc().sendto(fd, data, data.length, MSG_NOSIGNAL, address, address.length) >= 0;
  } catch {
    // A path that is too long for a socket.
    return false;
  } finally {
    libc().close(fd);
  }
}
