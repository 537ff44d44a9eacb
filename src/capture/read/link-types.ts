/**
 * Where the IP packet begins in a frame of a link type.
 *
 * Source: https://www.tcpdump.org/linktypes.html; LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2.
 */

import { isPacket } from '../../wire/bundle.ts';

/** Frames that are IP packets: RAW as files and as systems number it, IPV4, IPV6. */
const BARE: readonly number[] = [101, 12, 14, 228, 229];
/** Bytes before the packet: of the protocol family of BSD's loopback, of Linux' cooked captures. */
const HEADERS: ReadonlyMap<number, number> = new Map([
  [0, 4],
  [108, 4],
  [113, 16],
  [276, 20],
]);
const ETHERNET = 1;
const ETHERNET_HEADER_BYTES = 14;
const VLAN_TAG_BYTES = 4;
const VLAN_TAG_AT = 12;
/** EtherTypes of VLAN tags (IEEE 802.1Q, 802.1ad), first and second byte. */
const VLAN_TAGS: readonly (readonly [number, number])[] = [
  [0x81, 0x00],
  [0x88, 0xa8],
];

/** Returns the offset of the IP packet in a frame, -1 when there is none that an adapter could carry. */
export function packetOffset(linkType: number, frame: Uint8Array): number {
  const at = headerBytes(linkType, frame);
  return at >= 0 && at < frame.length && isPacket(frame[at]!, frame.length - at) ? at : -1;
}

function headerBytes(linkType: number, frame: Uint8Array): number {
  if (BARE.includes(linkType)) return 0;
  if (linkType !== ETHERNET) return HEADERS.get(linkType) ?? -1;
  let at = VLAN_TAG_AT;
  while (VLAN_TAGS.some(([high, low]) => frame[at] === high && frame[at + 1] === low)) {
    at += VLAN_TAG_BYTES;
  }
  return at - VLAN_TAG_AT + ETHERNET_HEADER_BYTES;
}
