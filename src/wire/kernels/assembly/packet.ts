// Offsets in headers, and reads and writes in network order. Sources: RFC 791 section 3.1, RFC 8200
// section 3, RFC 9293 section 3.1, RFC 768, and the virtio specification, section 5.1.6.

import { complement, sum, swapped } from './checksum';

export const ENTRY_HEADER: u32 = 16;
/** The virtio-net header lies right in front of the packet, in the padding of its entry. */
export const VNET_HEADER: u32 = 10;
export const VNET_IN_ENTRY: u32 = 6;

export const VNET_GSO_TYPE: u32 = 1;
export const VNET_HEADER_LENGTH: u32 = 2;
export const VNET_GSO_SIZE: u32 = 4;
export const VNET_CHECKSUM_START: u32 = 6;
export const VNET_CHECKSUM_OFFSET: u32 = 8;

export const NEEDS_CHECKSUM: u32 = 1;
export const GSO_NONE: u32 = 0;
export const GSO_TCPV4: u32 = 1;
export const GSO_TCPV6: u32 = 4;
export const GSO_UDP_L4: u32 = 5;
export const GSO_ECN: u32 = 0x80;

export const PROTOCOL_TCP: u32 = 6;
export const PROTOCOL_UDP: u32 = 17;

export const IPV4_HEADER: u32 = 20;
export const IPV4_TOTAL_LENGTH: u32 = 2;
export const IPV4_ID: u32 = 4;
export const IPV4_FRAGMENT: u32 = 6;
export const IPV4_PROTOCOL: u32 = 9;
export const IPV4_CHECKSUM: u32 = 10;
export const IPV4_ADDRESSES: u32 = 12;
export const IPV4_ADDRESSES_BYTES: u32 = 8;

export const IPV6_HEADER: u32 = 40;
export const IPV6_PAYLOAD_LENGTH: u32 = 4;
export const IPV6_NEXT_HEADER: u32 = 6;
export const IPV6_ADDRESSES: u32 = 8;
export const IPV6_ADDRESSES_BYTES: u32 = 32;

export const TCP_HEADER: u32 = 20;
export const TCP_SEQUENCE: u32 = 4;
export const TCP_ACKNOWLEDGMENT: u32 = 8;
export const TCP_DATA_OFFSET: u32 = 12;
export const TCP_FLAGS: u32 = 13;
export const TCP_WINDOW: u32 = 14;
export const TCP_CHECKSUM: u32 = 16;
export const TCP_URGENT: u32 = 18;
export const TCP_FIN: u32 = 0x01;
export const TCP_PSH: u32 = 0x08;
export const TCP_ACK: u32 = 0x10;
export const TCP_CWR: u32 = 0x80;

export const UDP_HEADER: u32 = 8;
export const UDP_LENGTH: u32 = 4;
export const UDP_CHECKSUM: u32 = 6;

export function read16(address: usize): u32 {
  return swapped(load<u16>(address));
}

export function write16(address: usize, value: u32): void {
  store<u16>(address, <u16>swapped(value));
}

/** Makes the IPv4 header's checksum right. */
export function sealIpv4(packet: usize, headerBytes: u32): void {
  store<u16>(packet + IPV4_CHECKSUM, 0);
  store<u16>(packet + IPV4_CHECKSUM, <u16>complement(sum(packet, headerBytes, 0)));
}

/** The sum over the pseudo-header: addresses, protocol, length of what follows. Not folded. */
export function pseudoSum(packet: usize, version: u32, protocol: u32, length: u32): u64 {
  const initial = <u64>swapped(protocol) + <u64>swapped(length);
  return version === 4
    ? sum(packet + IPV4_ADDRESSES, IPV4_ADDRESSES_BYTES, initial)
    : sum(packet + IPV6_ADDRESSES, IPV6_ADDRESSES_BYTES, initial);
}

/** Bytes that an entry with a packet of `size` bytes takes. */
export function entryBytes(size: u32): u32 {
  return ENTRY_HEADER + ((size + 15) & ~15);
}

/** Writes an entry's header and the padding behind its packet of `size` bytes. */
export function frame(entry: usize, size: u32): void {
  store<u32>(entry, size);
  store<u32>(entry, 0, 4);
  store<u64>(entry, 0, 8);
  const end = entry + entryBytes(size);
  for (let at = entry + ENTRY_HEADER + size; at < end; at++) store<u8>(at, 0);
}
