/** IP packets for tests, built naively and without the product's code. */

import { isIPv6 } from 'node:net';

const ICMP = 1;
const UDP = 17;
const ICMPV6 = 58;

/** Bytes of an address in text; `::` may stand for any run of groups. */
export function addressBytes(text: string): number[] {
  if (!isIPv6(text)) return text.split('.').map(Number);
  const [front = [], back = []] = text
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  const groups = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

/** The Internet checksum, one word at a time. */
export function internetChecksum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    total += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
    if (total > 0xffff) total -= 0xffff;
  }
  return ~total & 0xffff;
}

const word = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** An IP packet of the family of `source`, without options. */
export function ipPacket(
  protocol: number,
  source: string,
  destination: string,
  payload: readonly number[],
  hopLimit = 64,
): Uint8Array {
  const addresses = [...addressBytes(source), ...addressBytes(destination)];
  if (isIPv6(source)) {
    return Uint8Array.from([
      0x60,
      0,
      0,
      0,
      ...word(payload.length),
      protocol,
      hopLimit,
      ...addresses,
      ...payload,
    ]);
  }
  const header = [
    0x45,
    0,
    ...word(20 + payload.length),
    0,
    1,
    0,
    0,
    hopLimit,
    protocol,
    0,
    0,
    ...addresses,
  ];
  header.splice(10, 2, ...word(internetChecksum(header)));
  return Uint8Array.from([...header, ...payload]);
}

function pseudoHeader(protocol: number, source: string, destination: string, length: number) {
  return [...addressBytes(source), ...addressBytes(destination), 0, protocol, ...word(length)];
}

/** A UDP datagram with a right checksum. */
export function udpPacket(
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  data: Iterable<number>,
): Uint8Array {
  const body = [...data];
  const length = 8 + body.length;
  const udp = [...word(sourcePort), ...word(destinationPort), ...word(length), 0, 0, ...body];
  const sum = internetChecksum([...pseudoHeader(UDP, source, destination, length), ...udp]);
  udp.splice(6, 2, ...word(sum === 0 ? 0xffff : sum));
  return ipPacket(UDP, source, destination, udp);
}

/** An ICMP or ICMPv6 echo request, or its reply. */
export function echoPacket(
  source: string,
  destination: string,
  data: Iterable<number>,
  reply = false,
  hopLimit = 64,
): Uint8Array {
  const six = isIPv6(source);
  const type = six ? (reply ? 129 : 128) : reply ? 0 : 8;
  const icmp = [type, 0, 0, 0, 0x12, 0x34, 0, 1, ...data];
  const pseudo = six ? pseudoHeader(ICMPV6, source, destination, icmp.length) : [];
  icmp.splice(2, 2, ...word(internetChecksum([...pseudo, ...icmp])));
  return ipPacket(six ? ICMPV6 : ICMP, source, destination, icmp, hopLimit);
}

/** Offset of what follows the IP header of a packet without options. */
export function payloadOffset(packet: Uint8Array): number {
  return packet[0]! >> 4 === 6 ? 40 : 20;
}

/** `length` bytes that differ from each other and from those of another `seed`. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 0xff);
}
