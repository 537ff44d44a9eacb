/**
 * rtnetlink's message that makes a veth pair: two Ethernet interfaces, each of which receives what the
 * other sends. Pure bytes, host byte order.
 *
 * ```
 *  ifinfomsg of the one, attributes of the one, IFLA_LINKINFO {
 *    IFLA_INFO_KIND "veth"
 *    IFLA_INFO_DATA { VETH_INFO_PEER: ifinfomsg of the other, attributes of the other }
 *  }
 * ```
 *
 * Source: veth(4), rtnetlink(7); linux/veth.h, linux/if_link.h, linux/if.h. All numbers are from there.
 */

import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MESSAGE_HEADER_BYTES, MessageFlag } from '../../os/netlink-format.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import { RTM_NEWLINK } from './rtnetlink-link.ts';

const BODY_BYTES = 16;
const FLAGS_OFFSET = 8;
const CHANGE_OFFSET = 12;
/** Addresses of neighbours are not asked for: everything goes to the other end. */
const IFF_NOARP = 0x80;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

/** One end. */
export interface VethEnd {
  readonly name: string;
  /** Its Ethernet address. */
  readonly address: Uint8Array;
}

/** The other end, and where it is to be. */
export interface FarEnd extends VethEnd {
  /** Bytes. */
  readonly mtu: number;
  /** A descriptor of the network namespace. */
  readonly namespace: number;
}

/**
 * The request that makes a pair, both ends down and without neighbours: `near` in the network namespace
 * of the socket that it is sent by.
 */
export function createVeth(
  near: VethEnd,
  far: FarEnd,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.ACK | MessageFlag.CREATE | MessageFlag.EXCLUSIVE;
  const other = endOf(new MessageBuilder(0, 0, BODY_BYTES, littleEndian), far)
    .attributeU32(IFLA_MTU, far.mtu)
    .attributeU32(IFLA_NET_NS_FD, far.namespace)
    .finish()
    .subarray(MESSAGE_HEADER_BYTES);
  return endOf(new MessageBuilder(RTM_NEWLINK, flags, BODY_BYTES, littleEndian), near)
    .nested(IFLA_LINKINFO, (info) => {
      info.attributeText(IFLA_INFO_KIND, 'veth');
      info.nested(IFLA_INFO_DATA, (data) => data.attribute(VETH_INFO_PEER, other));
    })
    .finish();
}

function endOf(builder: MessageBuilder, { name, address }: VethEnd): MessageBuilder {
  return builder
    .u32(FLAGS_OFFSET, IFF_NOARP)
    .u32(CHANGE_OFFSET, IFF_NOARP)
    .attributeText(IFLA_IFNAME, name)
    .attribute(IFLA_ADDRESS, address);
}
