/** UDP datagrams that a kernel forwards from one adapter of the loop (loop.ts) to the other. */

import { checksum, pseudoHeaderSum } from 'typetun';
import { writeIpv4Header } from '#dist/wire/ipv4.js';
import { writeUint16 } from '#dist/wire/uint16.js';

/** Protocol number of UDP (RFC 768). */
const UDP = 17;
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;
const TIME_TO_LIVE = 64;
const DESTINATION_PORT = 9000;
const FIRST_SOURCE_PORT = 20_000;

/** Networks of the two adapters; `.1` is the kernel, `.2` whoever sends and is sent to. */
export const IN_ADDRESS = '10.70.0.1/24';
export const OUT_ADDRESS = '10.71.0.1/24';
const SOURCE = Uint8Array.of(10, 70, 0, 2);
const DESTINATION = Uint8Array.of(10, 71, 0, 2);

/** An IPv4 packet of `bytes` bytes with a datagram of the flow with that number, checksums right. */
export function datagram(bytes: number, flow: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  const header = { source: SOURCE, destination: DESTINATION, protocol: UDP };
  const at = writeIpv4Header(packet, 0, { ...header, payloadBytes: 0, timeToLive: TIME_TO_LIVE });
  const length = bytes - at;
  writeIpv4Header(packet, 0, { ...header, payloadBytes: length, timeToLive: TIME_TO_LIVE });
  writeUint16(packet, at, FIRST_SOURCE_PORT + flow);
  writeUint16(packet, at + Uint16Array.BYTES_PER_ELEMENT, DESTINATION_PORT);
  writeUint16(packet, at + UDP_LENGTH, length);
  const sum = checksum(packet, at, length, pseudoHeaderSum(packet, 0, UDP, length));
  writeUint16(packet, at + UDP_CHECKSUM, sum);
  return packet;
}
