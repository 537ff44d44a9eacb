/**
 * rtnetlink's messages about routes through an interface. Pure bytes, host byte order.
 *
 * ```
 *  struct rtmsg, 12 bytes
 *  0        1            2            3     4       5          6       7      8       12
 * +--------+------------+------------+-----+-------+----------+-------+------+-------+- - -
 * | family | dst length | src length | tos | table | protocol | scope | type | flags | attributes
 * +--------+------------+------------+-----+-------+----------+-------+------+-------+- - -
 * ```
 *
 * Source: rtnetlink(7); linux/rtnetlink.h. All numbers are from there.
 */

import { MessageBuilder } from '../../os/netlink-builder.ts';
import { MessageFlag, malformed } from '../../os/netlink-format.ts';
import type { Message } from '../../os/netlink-reader.ts';
import { formatPrefix, type Prefix } from '../../wire/address.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import { addressBytes, BITS_PER_BYTE, familyNumber, ipFamily } from './rtnetlink-family.ts';

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const BODY_BYTES = 12;
const DESTINATION_LENGTH_OFFSET = 1;
const TABLE_OFFSET = 4;
const PROTOCOL_OFFSET = 5;
const SCOPE_OFFSET = 6;
const TYPE_OFFSET = 7;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;

const RT_TABLE_MAIN = 254;
/** Set by an administrator: routing daemons leave such routes alone. */
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
/** Scope of a route without a gateway; IPv6 knows but one scope, the universe. */
const RT_SCOPE_LINK = 253;
const RT_SCOPE_UNIVERSE = 0;

/** A route through a device, as it is asked for. */
export interface DeviceRoute {
  readonly destination: Prefix;
  /** The kernel's default when undefined: see {@link effectiveMetric}. */
  readonly metric: number | undefined;
}

/** A route as the kernel has it. */
export interface InterfaceRoute {
  readonly index: number;
  /** Destination prefix in canonical text. */
  readonly destination: string;
  readonly metric: number;
}

/** What the kernel makes of an IPv6 metric of 0 or none: `IP6_RT_PRIO_USER` (net/ip6_fib.h). */
const DEFAULT_IPV6_METRIC = 1024;

/** The metric under which the kernel lists a route. */
export function effectiveMetric(family: 4 | 6, metric: number | undefined): number {
  return metric || (family === 6 ? DEFAULT_IPV6_METRIC : 0);
}

/**
 * The request that adds (or else removes) a route through the interface `index`. Adding fails when
 * there is a route to the same destination with the same metric, also through another interface:
 * nobody's traffic is taken over unasked. Only routes of our protocol are removed, not the
 * kernel's own.
 */
export function changeRoute(
  index: number,
  route: DeviceRoute,
  add: boolean,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const { destination } = route;
  const creation = add ? MessageFlag.CREATE | MessageFlag.EXCLUSIVE : 0;
  const flags = MessageFlag.REQUEST | MessageFlag.ACK | creation;
  const builder = new MessageBuilder(
    add ? RTM_NEWROUTE : RTM_DELROUTE,
    flags,
    BODY_BYTES,
    littleEndian,
  )
    .u8(0, familyNumber(destination.family))
    .u8(DESTINATION_LENGTH_OFFSET, destination.length)
    .u8(TABLE_OFFSET, RT_TABLE_MAIN)
    .u8(PROTOCOL_OFFSET, RTPROT_STATIC)
    .u8(SCOPE_OFFSET, destination.family === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE)
    .u8(TYPE_OFFSET, RTN_UNICAST)
    .attribute(RTA_DST, destination.address)
    .attributeU32(RTA_OIF, index);
  const metric = effectiveMetric(destination.family, route.metric);
  if (metric !== 0) builder.attributeU32(RTA_PRIORITY, metric);
  return builder.finish();
}

/**
 * The request for all routes of a family through the interface `index`. A kernel before 4.20 does
 * not filter and answers with all routes.
 */
export function getRoutes(
  index: number,
  family: 4 | 6,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const flags = MessageFlag.REQUEST | MessageFlag.DUMP;
  return new MessageBuilder(RTM_GETROUTE, flags, BODY_BYTES, littleEndian)
    .u8(0, familyNumber(family))
    .attributeU32(RTA_OIF, index)
    .finish();
}

/**
 * Reads a RTM_NEWROUTE; undefined for one that is not an ordinary IP route of the main table through
 * one interface (local and multicast routes, other tables, several next hops).
 *
 * @throws TunError `SYSCALL` when it is cut short or its destination is not one of its family.
 */
export function parseRoute(message: Message): InterfaceRoute | undefined {
  const attributes = message.attributes(BODY_BYTES);
  const family = ipFamily(message.u8(0));
  const index = attributes.u32(RTA_OIF);
  const ordinary =
    message.u8(TABLE_OFFSET) === RT_TABLE_MAIN && message.u8(TYPE_OFFSET) === RTN_UNICAST;
  if (family === undefined || index === undefined || !ordinary) return undefined;
  const bytes = addressBytes(family);
  const length = message.u8(DESTINATION_LENGTH_OFFSET);
  // The default route has no destination.
  const address = attributes.bytes(RTA_DST, bytes) ?? new Uint8Array(bytes);
  if (length > bytes * BITS_PER_BYTE) throw malformed(`a route with the prefix length ${length}`);
  return {
    index,
    destination: formatPrefix({ family, address, length }),
    metric: attributes.u32(RTA_PRIORITY) ?? 0,
  };
}
