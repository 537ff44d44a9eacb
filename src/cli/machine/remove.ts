/** Removes a TUN interface that no adapter of ours has: a persistent one. */

import { isTunError, TunError, TunErrorCode } from '../../index.ts';
import { libc } from '../../os/libc.ts';
import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MessageFlag } from '../../os/netlink-format.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { MachineInterface } from './interfaces.ts';

/** linux/rtnetlink.h; `struct ifinfomsg`: its length, and where the index is (rtnetlink(7)). */
const RTM_DELLINK = 17;
const BODY_BYTES = 16;
const INDEX_OFFSET = 4;

/**
 * Removes it from this process's network namespace. A program that has it open hears that it is gone.
 *
 * @throws TunError `NO_PRIVILEGE`, `NO_FFI`; `NOT_FOUND` when the interface of that name is another one by now, or
 * the system's list is of another namespace.
 */
export function removeInterface({ name, luidIndex }: MachineInterface): void {
  if (libc().ifNameToIndex(name) !== luidIndex) {
    throw new TunError(
      TunErrorCode.NOT_FOUND,
      `the interface "${name}" is not what /sys/class/net says of it (is that of another network namespace?); enter the namespace with "ip netns exec", which brings its own`,
    );
  }
  const message = new MessageBuilder(
    RTM_DELLINK,
    MessageFlag.REQUEST | MessageFlag.ACK,
    BODY_BYTES,
  );
  message.u32(INDEX_OFFSET, luidIndex);
  using socket = NetlinkSocket.open();
  try {
    socket.request(message.finish());
  } catch (cause) {
    if (isTunError(cause, TunErrorCode.NO_PRIVILEGE)) throw notAllowed(name, cause);
    throw cause;
  }
}

function notAllowed(name: string, cause: TunError): TunError {
  const { syscall, errno } = cause;
  return new TunError(
    TunErrorCode.NO_PRIVILEGE,
    `removing the interface "${name}" takes CAP_NET_ADMIN, which this process lacks; run it as root`,
    { cause, syscall, errno },
  );
}
