/** Addresses of this network namespace's interfaces, those without a carrier included, which Node.js leaves out. */

import { isTunError, TunErrorCode } from '../../index.ts';
import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MessageFlag } from '../../os/netlink-format.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import { formatPrefix } from '../../wire/address.ts';

/** linux/rtnetlink.h; `struct ifaddrmsg`: its length, and where prefix length and index are (rtnetlink(7)). */
const RTM_GETADDR = 22;
const BODY_BYTES = 8;
const PREFIX_LENGTH_OFFSET = 1;
const INDEX_OFFSET = 4;
/** linux/if_addr.h: our own address where there is a peer's, and the address. */
const IFA_LOCAL = 2;
const IFA_ADDRESS = 1;
/** bits/socket.h; bytes of an address. */
const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/**
 * With prefix length, by interface index. Empty where the FFI package is missing: what is to be looked at can
 * be looked at without.
 */
export function interfaceAddresses(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  try {
    const flags = MessageFlag.REQUEST | MessageFlag.DUMP;
    using socket = NetlinkSocket.open();
    for (const message of socket.request(
      new MessageBuilder(RTM_GETADDR, flags, BODY_BYTES).finish(),
    )) {
      const attributes = message.attributes(BODY_BYTES);
      const family = message.u8(0);
      if (family !== AF_INET && family !== AF_INET6) continue;
      const bytes = family === AF_INET ? IPV4_BYTES : IPV6_BYTES;
      const address = attributes.bytes(IFA_LOCAL, bytes) ?? attributes.bytes(IFA_ADDRESS, bytes);
      if (address === undefined) continue;
      const length = message.u8(PREFIX_LENGTH_OFFSET);
      const index = message.u32(INDEX_OFFSET);
      const text = formatPrefix({ address, length, family: family === AF_INET ? 4 : 6 });
      found.set(index, [...(found.get(index) ?? []), text]);
    }
  } catch (error) {
    if (!isTunError(error, TunErrorCode.NO_FFI)) throw error;
  }
  return found;
}
