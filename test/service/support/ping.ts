/** Packets that get an answer. */

import { BundleWriter, checksum, parseAddress } from 'typetun';

const IPV4_BYTES = 20;
const ICMP_BYTES = 16;

/** An ICMP echo request over IPv4. */
export function echoRequest(source: string, destination: string): Uint8Array {
  const packet = new Uint8Array(IPV4_BYTES + ICMP_BYTES);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, packet.length, 0, 0, 0, 0, 64, 1], 0);
  packet.set(parseAddress(source), 12);
  packet.set(parseAddress(destination), 16);
  view.setUint16(10, checksum(packet, 0, IPV4_BYTES));
  packet[IPV4_BYTES] = 8;
  view.setUint16(IPV4_BYTES + 2, checksum(packet, IPV4_BYTES, ICMP_BYTES));
  return packet;
}

/** A bundle of `count` of them, from 10.7.0.9 to 10.7.0.1. */
export function echoBundle(count = 1): Uint8Array {
  const writer = new BundleWriter(new Uint8Array(65_536));
  for (let i = 0; i < count; i++) writer.append(echoRequest('10.7.0.9', '10.7.0.1'));
  return writer.finish();
}
