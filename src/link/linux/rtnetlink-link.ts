/**
 * rtnetlink's messages about the interface itself. Pure bytes, host byte order.
 *
 * ```
 *  struct ifinfomsg, 16 bytes
 *  0        1       2          4           8           12           16
 * +--------+-------+----------+-----------+-----------+------------+- - -
 * | family | zero  | type     | index     | flags     | change     | attributes
 * +--------+-------+----------+-----------+-----------+------------+- - -
 * ```
 *
 * Source: rtnetlink(7); linux/rtnetlink.h, linux/if_link.h, linux/if.h. All numbers are from there.
 */

import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MessageFlag, malformed } from '../../os/netlink-format.ts';
import type { Message } from '../../os/netlink-reader.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import { parseTunState, type TunState } from './rtnetlink-tun.ts';

/** Message types. A RTM_NEWLINK is both a request's answer and a notification. */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

const BODY_BYTES = 16;
const INDEX_OFFSET = 4;
const FLAGS_OFFSET = 8;
const CHANGE_OFFSET = 12;
/** The device is administratively up. Carrier is another flag, and no concern of this file. */
const IFF_UP = 0x1;

const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_CARRIER = 33;
const IFLA_GSO_MAX_SEGS = 40;
const IFLA_GSO_MAX_SIZE = 41;
const IFLA_GSO_IPV4_MAX_SIZE = 63;
const IFLA_STATS64 = 23;
const IFLA_AF_SPEC = 26;
/** `AF_INET6` (bits/socket.h): the attribute type within IFLA_AF_SPEC. */
const AF_INET6 = 10;
const IFLA_INET6_CONF = 2;
const IFLA_INET6_ADDR_GEN_MODE = 8;
/** Offset in IFLA_INET6_CONF: `DEVCONF_DISABLE_IPV6` is 26 (linux/ipv6.h), 4 bytes each. */
const DISABLE_IPV6_OFFSET = 104;
/** Offset of `tx_dropped` in `struct rtnl_link_stats64`: the eighth of its 64-bit members. */
const TX_DROPPED_OFFSET = 56;

/** How the kernel makes an interface's link-local address: `IN6_ADDR_GEN_MODE_*`. */
export const AddressGeneration = {
  /** It makes none, and solicits no routers. */
  NONE: 1,
  /** From a random number: a TUN has no hardware address that one could be made from. */
  RANDOM: 3,
} as const;

/** The parts of an interface that a link cares about. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  readonly up: boolean;
  /** Packets. */
  readonly queueLength: number;
  /** Packets dropped on the way out, ever. */
  readonly dropped: number;
  /** Whether IPv6 works on the interface: the kernel has it and no sysctl disables it. */
  readonly hasIpv6: boolean;
  /** One of `IN6_ADDR_GEN_MODE_*`; undefined when the kernel or the interface has no IPv6. */
  readonly addressGeneration: number | undefined;
  readonly carrier: boolean;
  /** As {@link LinkSettings}; undefined when the kernel does not tell. */
  readonly gsoMaxSize: number | undefined;
  readonly gsoMaxSegments: number | undefined;
  /** What else there is to know of a TUN or TAP; undefined for another kind of interface. */
  readonly tun: TunState | undefined;
}

/** What a change of the link sets; absent members stay. */
export interface LinkSettings {
  readonly mtu?: number;
  readonly queueLength?: number;
  readonly up?: boolean;
  /** Bytes of the largest super-packet, of both families. */
  readonly gsoMaxSize?: number;
  /** Packets that a super-packet stands for, at most. */
  readonly gsoMaxSegments?: number;
  /** To be set before the link is up: on the way there the kernel makes its address. */
  readonly addressGeneration?: number;
}

/** The request that changes the interface `index`. */
export function changeLink(
  index: number,
  settings: LinkSettings,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.ACK;
  const builder = new MessageBuilder(RTM_SETLINK, flags, BODY_BYTES, littleEndian);
  builder.u32(INDEX_OFFSET, index);
  const { mtu, queueLength, up, addressGeneration } = settings;
  if (up !== undefined) builder.u32(FLAGS_OFFSET, up ? IFF_UP : 0).u32(CHANGE_OFFSET, IFF_UP);
  if (mtu !== undefined) builder.attributeU32(IFLA_MTU, mtu);
  if (queueLength !== undefined) builder.attributeU32(IFLA_TXQLEN, queueLength);
  const { gsoMaxSize, gsoMaxSegments } = settings;
  if (gsoMaxSegments !== undefined) builder.attributeU32(IFLA_GSO_MAX_SEGS, gsoMaxSegments);
  if (gsoMaxSize !== undefined) {
    builder.attributeU32(IFLA_GSO_MAX_SIZE, gsoMaxSize);
    builder.attributeU32(IFLA_GSO_IPV4_MAX_SIZE, gsoMaxSize);
  }
  if (addressGeneration !== undefined) {
    builder.nested(IFLA_AF_SPEC, (families) => {
      families.nested(AF_INET6, (inet6) => {
        inet6.attributeU8(IFLA_INET6_ADDR_GEN_MODE, addressGeneration);
      });
    });
  }
  return builder.finish();
}

/** The request that removes the interface `index`. */
export function deleteLink(index: number, littleEndian: boolean = HOST_LITTLE_ENDIAN): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.ACK;
  return new MessageBuilder(RTM_DELLINK, flags, BODY_BYTES, littleEndian)
    .u32(INDEX_OFFSET, index)
    .finish();
}

/** The request that reads the interface `index`. */
export function getLink(index: number, littleEndian: boolean = HOST_LITTLE_ENDIAN): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.ACK;
  return new MessageBuilder(RTM_GETLINK, flags, BODY_BYTES, littleEndian)
    .u32(INDEX_OFFSET, index)
    .finish();
}

/**
 * Reads a RTM_NEWLINK that answers {@link getLink}.
 *
 * @throws TunError `SYSCALL` when it is cut short or has no name or MTU.
 */
export function parseLink(message: Message): LinkState {
  const attributes = message.attributes(BODY_BYTES);
  const name = attributes.text(IFLA_IFNAME);
  const mtu = attributes.u32(IFLA_MTU);
  if (name === undefined || mtu === undefined) throw malformed('an interface without name or MTU');
  const inet6 = attributes.nested(IFLA_AF_SPEC)?.nested(AF_INET6);
  return {
    index: message.u32(INDEX_OFFSET),
    name,
    mtu,
    up: (message.u32(FLAGS_OFFSET) & IFF_UP) !== 0,
    queueLength: attributes.u32(IFLA_TXQLEN) ?? 0,
    dropped: attributes.u64(IFLA_STATS64, TX_DROPPED_OFFSET) ?? 0,
    hasIpv6: inet6?.u32(IFLA_INET6_CONF, DISABLE_IPV6_OFFSET) === 0,
    addressGeneration: inet6?.u8(IFLA_INET6_ADDR_GEN_MODE),
    carrier: attributes.u8(IFLA_CARRIER) === 1,
    gsoMaxSize: attributes.u32(IFLA_GSO_MAX_SIZE),
    gsoMaxSegments: attributes.u32(IFLA_GSO_MAX_SEGS),
    tun: parseTunState(attributes.nested(IFLA_LINKINFO)),
  };
}
