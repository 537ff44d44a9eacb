/** What a filter looks at in a packet. Read once a packet; allocates nothing. */

import { MIN_IPV4_BYTES, MIN_IPV6_BYTES } from '../../limits.ts';
import { FlowFields, FlowPart, readFlow } from '../../wire/flow.ts';
import { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, ipVersion } from '../../wire/ip.ts';
import { IPV4_DESTINATION, IPV4_SOURCE, ipv4Protocol } from '../../wire/ipv4.ts';
import { IPV6_DESTINATION, IPV6_SOURCE, ipv6NextHeader } from '../../wire/ipv6.ts';

/** A compiled filter. */
export interface PacketTest {
  /**
   * Whether the packet of `original` bytes, of which `size` are there at `offset`, is wanted. `outbound`: the
   * host sent it. Reads nothing beyond `size`, throws nothing, keeps nothing.
   */
  matches(
    bytes: Uint8Array,
    offset: number,
    size: number,
    original: number,
    outbound: boolean,
  ): boolean;
}

/** No protocol has this number. */
const NONE = -1;

export class FilterPacket {
  bytes: Uint8Array = new Uint8Array(0);
  /** 4, 6, or 0 for what is no IP packet: nothing else is known of it then. */
  version = 0;
  /** Of the transport, behind IPv6 extension headers. */
  protocol: number = NONE;
  /** Offsets of the addresses. */
  source = 0;
  destination = 0;
  /** Whether it has ports: TCP or UDP, its header there, no later fragment. */
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  /** Bytes that it had. */
  length = 0;
  outbound = false;
  readonly #flow = new FlowFields();

  read(bytes: Uint8Array, offset: number, size: number, original: number, outbound: boolean): void {
    this.bytes = bytes;
    this.length = original;
    this.outbound = outbound;
    this.hasPorts = false;
    this.protocol = NONE;
    this.version = 0;
    const version = size > 0 ? ipVersion(bytes, offset) : 0;
    if (version === 4 && size >= MIN_IPV4_BYTES) {
      this.version = 4;
      this.source = offset + IPV4_SOURCE;
      this.destination = offset + IPV4_DESTINATION;
      this.protocol = ipv4Protocol(bytes, offset);
    } else if (version === 6 && size >= MIN_IPV6_BYTES) {
      this.version = 6;
      this.source = offset + IPV6_SOURCE;
      this.destination = offset + IPV6_DESTINATION;
      this.protocol = ipv6NextHeader(bytes, offset);
    } else return;
    const flow = this.#flow;
    const part = readFlow(bytes, offset, size, flow);
    // A packet that is cut short is what its first header says.
    if (part === FlowPart.MALFORMED) return;
    this.protocol = flow.protocol;
    const ported = flow.protocol === IP_PROTOCOL_TCP || flow.protocol === IP_PROTOCOL_UDP;
    if (!ported || part === FlowPart.LATER_FRAGMENT) return;
    this.hasPorts = true;
    this.sourcePort = flow.sourcePort;
    this.destinationPort = flow.destinationPort;
  }
}
