/** One line for a packet, for a person. */

import { formatAddress, type PacketSource } from '../../index.ts';
import { FlowFields, FlowPart, readFlow } from '../../wire/flow.ts';
import {
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../../wire/ip.ts';

const US_PER_MS = 1000;
const US_DIGITS = 6;
const US_PER_SECOND = 1e6;
const TIME_DIGITS = 8;
/** Offset of the flags in a TCP header (RFC 9293, section 3.1), and their letters from the lowest bit on. */
const TCP_FLAGS = 13;
const FLAG_LETTERS = 'FSRP.U';
/** Types of ICMP and ICMPv6 with a name of their own. */
const ICMP_NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  8: 'echo request',
  11: 'time exceeded',
};
const ICMPV6_NAMES: Readonly<Record<number, string>> = {
  1: 'unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  143: 'multicast listener report',
};
const NAMES: Readonly<Record<number, string>> = {
  [IP_PROTOCOL_ICMP]: 'icmp',
  [IP_PROTOCOL_ICMPV6]: 'icmp6',
  [IP_PROTOCOL_TCP]: 'tcp',
  [IP_PROTOCOL_UDP]: 'udp',
};

const fields = new FlowFields();

/** Such as `12:00:00.123456 out 10.7.0.1.4000 > 10.7.0.2.53: udp, 60 bytes`. */
export function packetLine(packet: PacketSource): string {
  const { bytes, offset, size, original, outbound, microseconds } = packet;
  const part = readFlow(bytes, offset, size, fields);
  const head = `${timeOf(microseconds)} ${outbound ? 'out' : 'in '}`;
  if (part === FlowPart.MALFORMED) return `${head} malformed packet, ${original} bytes`;
  const { version, protocol, source, destination, sourcePort, destinationPort } = fields;
  const ported = protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_UDP;
  const end = (at: number, port: number): string =>
    `${formatAddress(bytes, at, version)}${ported && part !== FlowPart.LATER_FRAGMENT ? `.${port}` : ''}`;
  const from = end(source, sourcePort);
  const to = end(destination, destinationPort);
  return `${head} ${from} > ${to}: ${protocolText(bytes, part)}, ${original} bytes`;
}

function protocolText(bytes: Uint8Array, part: FlowPart): string {
  const { protocol, transport } = fields;
  const name = NAMES[protocol] ?? `protocol ${protocol}`;
  if (part === FlowPart.LATER_FRAGMENT) return `${name} fragment`;
  const first = part === FlowPart.FIRST_FRAGMENT ? ' first fragment' : '';
  if (protocol === IP_PROTOCOL_TCP)
    return `${name} [${flags(bytes[transport + TCP_FLAGS]!)}]${first}`;
  const names =
    protocol === IP_PROTOCOL_ICMP
      ? ICMP_NAMES
      : protocol === IP_PROTOCOL_ICMPV6
        ? ICMPV6_NAMES
        : undefined;
  if (names === undefined || transport >= fields.end) return `${name}${first}`;
  const type = bytes[transport]!;
  return `${name} ${names[type] ?? `type ${type}`}${first}`;
}

function flags(bits: number): string {
  return FLAG_LETTERS.split('')
    .filter((_, i) => (bits & (1 << i)) !== 0)
    .join('');
}

/** Local time of day, with microseconds. */
function timeOf(microseconds: number): string {
  const date = new Date(microseconds / US_PER_MS);
  const fraction = Math.floor(microseconds % US_PER_SECOND);
  return `${date.toTimeString().slice(0, TIME_DIGITS)}.${String(fraction).padStart(US_DIGITS, '0')}`;
}
