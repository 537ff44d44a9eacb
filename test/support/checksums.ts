/** Whether the checksums of a packet are right, worked out the plain way. */

import { internetChecksum } from './ip-packets.ts';

const IPV6_HEADER = 40;

export function ipHeaderBytes(packet: Uint8Array): number {
  return packet[0]! >> 4 === 4 ? (packet[0]! & 15) * 4 : IPV6_HEADER;
}

/** 0 when the checksum of the TCP or UDP packet is right, and of an IPv4 header as well. */
export function transportChecksum(packet: Uint8Array): number {
  const header = ipHeaderBytes(packet);
  const four = packet[0]! >> 4 === 4;
  if (four) {
    const own = internetChecksum([...packet.subarray(0, header)]);
    if (own !== 0) return own;
  }
  const addresses = four ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const length = packet.length - header;
  const protocol = packet[four ? 9 : 6]!;
  const pseudo = [...addresses, 0, 0, length >> 8, length & 255, 0, protocol];
  return internetChecksum([...pseudo, ...packet.subarray(header)]);
}
