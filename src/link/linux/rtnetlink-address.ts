/**
 * rtnetlink's messages about an interface's addresses. Pure bytes, host byte order.
 *
 * ```
 *  struct ifaddrmsg, 8 bytes
 *  0        1              2       3       4           8
 * +--------+--------------+-------+-------+-----------+- - -
 * | family | prefix length| flags | scope | index     | attributes
 * +--------+--------------+-------+-------+-----------+- - -
 * ```
 *
 * Source: rtnetlink(7); linux/rtnetlink.h, linux/if_addr.h. All numbers are from there.
 */

import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MessageFlag, malformed } from '../../os/netlink-format.ts';
import type { Message } from '../../os/netlink-reader.ts';
import { formatPrefix, type Prefix } from '../../wire/address.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import { addressBytes, BITS_PER_BYTE, familyNumber, ipFamily } from './rtnetlink-family.ts';

/** Message types. A RTM_NEWADDR is a request, part of a dump, and a notification. */
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const BODY_BYTES = 8;
const PREFIX_LENGTH_OFFSET = 1;
const FLAGS_OFFSET = 2;
const INDEX_OFFSET = 4;

/** The address; on an interface with a peer that peer's, and then IFA_LOCAL is our own. */
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** Do not look for duplicates before use: on a TUN there are no neighbours to ask. */
const IFA_F_NODAD = 0x02;

/** An address of an interface. */
export interface InterfaceAddress {
  readonly index: number;
  /** With prefix length, in canonical text. */
  readonly text: string;
}

/** The request that adds (or else removes) an address of the interface `index`. */
export function changeAddress(
  index: number,
  prefix: Prefix,
  add: boolean,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const creation = add ? MessageFlag.CREATE | MessageFlag.EXCLUSIVE : 0;
  const flags = MessageFlag.REQUEST | MessageFlag.ACK | creation;
  const type = add ? RTM_NEWADDR : RTM_DELADDR;
  return new MessageBuilder(type, flags, BODY_BYTES, littleEndian)
    .u8(0, familyNumber(prefix.family))
    .u8(PREFIX_LENGTH_OFFSET, prefix.length)
    .u8(FLAGS_OFFSET, add && prefix.family === 6 ? IFA_F_NODAD : 0)
    .u32(INDEX_OFFSET, index)
    .attribute(IFA_LOCAL, prefix.address)
    .attribute(IFA_ADDRESS, prefix.address)
    .finish();
}

/**
 * The request for all addresses of the interface `index`, both families. A kernel before 4.20 does
 * not filter and answers with those of other interfaces too.
 */
export function getAddresses(
  index: number,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.DUMP;
  return new MessageBuilder(RTM_GETADDR, flags, BODY_BYTES, littleEndian)
    .u32(INDEX_OFFSET, index)
    .finish();
}

/**
 * Reads a RTM_NEWADDR or RTM_DELADDR; undefined for a family that is not IP.
 *
 * @throws TunError `SYSCALL` when it is cut short or its address is not one of its family.
 */
export function parseInterfaceAddress(message: Message): InterfaceAddress | undefined {
  const attributes = message.attributes(BODY_BYTES);
  const family = ipFamily(message.u8(0));
  if (family === undefined) return undefined;
  const bytes = addressBytes(family);
  const address = attributes.bytes(IFA_LOCAL, bytes) ?? attributes.bytes(IFA_ADDRESS, bytes);
  const length = message.u8(PREFIX_LENGTH_OFFSET);
  if (address === undefined || length > bytes * BITS_PER_BYTE) {
    throw malformed(`an address with the prefix length ${length}`);
  }
  return { index: message.u32(INDEX_OFFSET), text: formatPrefix({ family, address, length }) };
}
