/** Bundles of packets, their fragments, and the right checksums, for tests of policies: built naively. */

import { BundleReader, BundleWriter } from 'typetun';
import { internetChecksum } from './ip-packets.ts';

const word = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];

/** A bundle with these packets: its bytes, all of them. */
export function bundleOf(...packets: readonly Uint8Array[]): Uint8Array {
  // An entry's header and padding take at most 32 bytes.
  const room = packets.reduce((sum, { length }) => sum + length + 32, 0);
  const writer = new BundleWriter(new Uint8Array(room));
  for (const packet of packets) writer.append(packet);
  return Uint8Array.from(writer.finish());
}

/** The packets of the first `length` bytes. */
export function packetsOf(bytes: Uint8Array, length: number): Uint8Array[] {
  const reader = new BundleReader();
  if (length > 0) reader.reset(bytes, length);
  const packets: Uint8Array[] = [];
  while (length > 0 && reader.next()) packets.push(Uint8Array.from(reader.packet()));
  return packets;
}

/** Two fragments of an IPv4 packet without options, cut behind `carried` bytes, a multiple of 8. */
export function ipv4Fragments(
  packet: Uint8Array,
  carried: number,
  id = 77,
): [Uint8Array, Uint8Array] {
  const fragment = (from: number, to: number, more: boolean): Uint8Array => {
    const header = [...packet.subarray(0, 20)];
    header.splice(2, 2, ...word(20 + to - from));
    header.splice(4, 4, ...word(id), ...word((more ? 0x2000 : 0) | (from / 8)));
    header.splice(10, 2, 0, 0);
    header.splice(10, 2, ...word(internetChecksum(header)));
    return Uint8Array.from([...header, ...packet.subarray(20 + from, 20 + to)]);
  };
  const rest = packet.length - 20;
  return [fragment(0, carried, true), fragment(carried, rest, false)];
}

/** The same of an IPv6 packet. */
export function ipv6Fragments(
  packet: Uint8Array,
  carried: number,
  id = 77,
): [Uint8Array, Uint8Array] {
  const fragment = (from: number, to: number, more: boolean): Uint8Array => {
    const header = [...packet.subarray(0, 40)];
    const next = header[6]!;
    header.splice(4, 2, ...word(8 + to - from));
    header[6] = 44;
    const extension = [next, 0, ...word(from | (more ? 1 : 0)), 0, 0, ...word(id)];
    return Uint8Array.from([...header, ...extension, ...packet.subarray(40 + from, 40 + to)]);
  };
  const rest = packet.length - 40;
  return [fragment(0, carried, true), fragment(carried, rest, false)];
}

/** A packet put together again from two fragments without their headers' differences. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const six = first[0]! >> 4 === 6;
  const skip = six ? 48 : 20;
  const carried = [...first.subarray(skip), ...second.subarray(skip)];
  const header = [...first.subarray(0, six ? 40 : 20)];
  if (six) {
    header[6] = first[40]!;
    header.splice(4, 2, ...word(carried.length));
  } else {
    header.splice(2, 2, ...word(20 + carried.length));
    header.splice(6, 2, 0, 0);
    header.splice(10, 2, 0, 0);
    header.splice(10, 2, ...word(internetChecksum(header)));
  }
  return Uint8Array.from([...header, ...carried]);
}

/** Whether the checksums of a whole packet of UDP, TCP or ICMP, without options, are right. */
export function checksumsRight(packet: Uint8Array): boolean {
  const six = packet[0]! >> 4 === 6;
  const header = six ? 40 : 20;
  if (!six && internetChecksum([...packet.subarray(0, 20)]) !== 0) return false;
  const protocol = six ? packet[6]! : packet[9]!;
  const carried = [...packet.subarray(header)];
  const pseudo =
    protocol === 1
      ? []
      : [...packet.subarray(six ? 8 : 12, header), 0, protocol, ...word(carried.length)];
  return internetChecksum([...pseudo, ...carried]) === 0;
}
