/**
 * Waits until an interface carries packets. After its carrier is switched on the kernel takes it into
 * operation by and by (linkwatch), and until then drops and counts all that is sent on it.
 *
 * Source: rtnetlink(7), netdevice(7); numbers from linux/rtnetlink.h, linux/if_link.h and linux/if.h. From
 * Linux 6.8 on the question itself has the kernel catch up (`rtnl_getlink`).
 */

import { libc } from './libc.ts';
import { MessageBuilder } from './netlink-builder.ts';
import { MessageFlag } from './netlink-format.ts';
import { NetlinkSocket } from './netlink-socket.ts';

const RTM_GETLINK = 18;
const BODY_BYTES = 16;
const FLAGS_OFFSET = 8;
const IFLA_IFNAME = 3;
/** Up, in operation, and with a carrier. */
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;
const COMING = IFF_UP | IFF_LOWER_UP;
/** Between two looks, in ms. */
const LOOK_MS = 1;

/**
 * Waits, at most `mostMs`, until the interface `name` of this thread's network namespace is in operation.
 * Returns whether it is; false at once when it is down or has no carrier, so that nothing would bring
 * it into operation by itself. Blocks the thread.
 *
 * @throws TunError `SYSCALL` when the interface cannot be looked at.
 */
export function awaitOperation(name: string, mostMs: number): boolean {
  const socket = NetlinkSocket.open();
  try {
    const end = performance.now() + mostMs;
    for (;;) {
      const flags = flagsOf(socket, name);
      if ((flags & COMING) !== COMING) return false;
      if ((flags & IFF_RUNNING) !== 0) return true;
      if (performance.now() >= end) return false;
      libc().poll(new Uint8Array(0), 0, LOOK_MS);
    }
  } finally {
    socket.close();
  }
}

function flagsOf(socket: NetlinkSocket, name: string): number {
  const request = new MessageBuilder(RTM_GETLINK, MessageFlag.REQUEST | MessageFlag.ACK, BODY_BYTES)
    .attributeText(IFLA_IFNAME, name)
    .finish();
  const [answer] = socket.request(request);
  return answer?.u32(FLAGS_OFFSET) ?? 0;
}
