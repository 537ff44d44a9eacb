/**
 * Gives a packet other addresses and ports, and mends its checksums by the difference: right stays right,
 * and wrong stays wrong.
 *
 * Source: RFC 1624, section 3 (eqn. 3).
 */

import { fold, sum } from './checksum.ts';
import { type FlowFields, FlowPart } from './flow.ts';
import { IP_PROTOCOL_ICMPV6, IP_PROTOCOL_TCP, IP_PROTOCOL_UDP } from './ip.ts';
import { TCP_CHECKSUM, UDP_CHECKSUM } from './transport.ts';
import { readUint16, writeUint16 } from './uint16.ts';

/** Where a packet comes from and goes to; addresses are of the packet's version. */
export interface Ends {
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
}

const IPV4_CHECKSUM = 10;
/** Offset of the IPv4 header's source address, from which the header is found again. */
const IPV4_SOURCE = 12;
const ICMPV6_CHECKSUM = 2;
const PORT_BYTES = 2;
const WORD_MASK = 0xffff;
/** UDP writes a checksum of 0 so; 0 says that there is none (RFC 768). */
const UDP_ZERO = 0xffff;

/**
 * Changes the packet that `fields` and `part` describe (`readFlow`). Ports are changed of TCP and UDP, and
 * where they are: not in a later fragment, whose first holds the checksum of all.
 */
export function readdress(bytes: Uint8Array, fields: FlowFields, part: FlowPart, ends: Ends): void {
  const { source, destination, addressBytes, transport, protocol, version } = fields;
  const before = sum(bytes, source, addressBytes, sum(bytes, destination, addressBytes));
  for (let i = 0; i < addressBytes; i++) {
    bytes[source + i] = ends.source[i]!;
    bytes[destination + i] = ends.destination[i]!;
  }
  const after = sum(bytes, source, addressBytes, sum(bytes, destination, addressBytes));
  if (version === 4) mend(bytes, source - IPV4_SOURCE + IPV4_CHECKSUM, before, after);
  if (part === FlowPart.LATER_FRAGMENT) return;
  if (protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_UDP) {
    const portsBefore = sum(bytes, transport, 2 * PORT_BYTES, before);
    writeUint16(bytes, transport, ends.sourcePort);
    writeUint16(bytes, transport + PORT_BYTES, ends.destinationPort);
    const portsAfter = sum(bytes, transport, 2 * PORT_BYTES, after);
    if (protocol === IP_PROTOCOL_TCP) {
      mend(bytes, transport + TCP_CHECKSUM, portsBefore, portsAfter);
    } else {
      mendUdp(bytes, transport + UDP_CHECKSUM, portsBefore, portsAfter);
    }
  } else if (protocol === IP_PROTOCOL_ICMPV6 && version === 6) {
    mend(bytes, transport + ICMPV6_CHECKSUM, before, after);
  }
}

/** HC' = ~(~HC + ~m + m'), where m and m' are whole sums. */
function mend(bytes: Uint8Array, at: number, before: number, after: number): void {
  const old = ~readUint16(bytes, at) & WORD_MASK;
  const sums = old + (~fold(before) & WORD_MASK) + fold(after);
  writeUint16(bytes, at, ~fold(sums) & WORD_MASK);
}

function mendUdp(bytes: Uint8Array, at: number, before: number, after: number): void {
  if (readUint16(bytes, at) === 0) return;
  mend(bytes, at, before, after);
  if (readUint16(bytes, at) === 0) writeUint16(bytes, at, UDP_ZERO);
}
