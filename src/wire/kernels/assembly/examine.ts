// Whether a packet may be merged with others.

import { fold, sum } from './checksum';
import {
  IPV4_FRAGMENT,
  IPV4_HEADER,
  IPV4_PROTOCOL,
  IPV4_TOTAL_LENGTH,
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  pseudoSum,
  read16,
  TCP_ACK,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_PSH,
  TCP_URGENT,
  UDP_CHECKSUM,
  UDP_HEADER,
  UDP_LENGTH,
} from './packet';

/** "More fragments" and the fragment offset. */
export const FRAGMENT_BITS: u32 = 0x3fff;

// What is known of a packet that may be merged, from `examine`.
export let version: u32 = 0;
export let protocol: u32 = 0;
/** Where the transport header begins, and where the payload does. */
export let start: u32 = 0;
export let header: u32 = 0;
export let payload: u32 = 0;
export let pushed: bool = false;

/** Whether the packet may be merged with others at all; fills the variables above. */
export function examine(packet: u32, length: u32, udp: bool): bool {
  version = <u32>load<u8>(packet) >> 4;
  if (version === 4) {
    // No options, no fragments, and a header that the host would take.
    if (load<u8>(packet) !== 0x45 || read16(packet + IPV4_TOTAL_LENGTH) !== length) return false;
    if ((read16(packet + IPV4_FRAGMENT) & FRAGMENT_BITS) !== 0) return false;
    if (fold(sum(packet, IPV4_HEADER, 0)) !== 0xffff) return false;
    protocol = <u32>load<u8>(packet + IPV4_PROTOCOL);
    start = IPV4_HEADER;
  } else {
    if (read16(packet + IPV6_PAYLOAD_LENGTH) !== length - IPV6_HEADER) return false;
    protocol = <u32>load<u8>(packet + IPV6_NEXT_HEADER);
    start = IPV6_HEADER;
  }
  const transport = packet + start;
  if (protocol === PROTOCOL_TCP) {
    if (length < start + TCP_HEADER) return false;
    header = start + ((<u32>(load<u8>(transport + TCP_DATA_OFFSET) >> 4)) << 2);
    if (header < start + TCP_HEADER || header >= length) return false;
    const flags = <u32>load<u8>(transport + TCP_FLAGS);
    if ((flags & ~TCP_PSH) !== TCP_ACK || load<u16>(transport + TCP_URGENT) !== 0) return false;
    // The bits beside the data offset belong to extensions (RFC 9768) that nobody may merge away.
    if ((<u32>load<u8>(transport + TCP_DATA_OFFSET) & 15) !== 0) return false;
    pushed = (flags & TCP_PSH) !== 0;
  } else {
    if (protocol !== PROTOCOL_UDP || !udp || length <= start + UDP_HEADER) return false;
    if (read16(transport + UDP_LENGTH) !== length - start) return false;
    if (load<u16>(transport + UDP_CHECKSUM) === 0) return false;
    header = start + UDP_HEADER;
    pushed = false;
  }
  payload = length - header;
  const pseudo = pseudoSum(packet, version, protocol, length - start);
  return fold(sum(transport, length - start, pseudo)) === 0xffff;
}
