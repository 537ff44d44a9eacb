/**
 * Receive offload, before the host: runs of packets of one flow become one packet with a virtio-net
 * header, so that the host takes them in one call. In plain TypeScript: the twin of
 * `kernels/assembly/merge.ts` for hosts without SIMD, and its oracle.
 *
 * Put together is only what the host would put together itself: the same headers but for sequence
 * number, PSH, length, checksum and (with "don't fragment") identification; nothing but ACK and PSH
 * set, no IP options, no fragments, no gap, all segments but the last of one size; and only where the
 * checksum is right, since the host does not look at it again. No longer than an entry takes: what the
 * host forwards to another adapter of ours would have to be taken apart again. Packets of one flow keep
 * their order; packets of different flows may pass each other.
 *
 * Source: RFC 9293; what Linux's own receive offload compares (net/ipv4/tcp_offload.c).
 */

import { ENTRY_HEADER_BYTES } from '../limits.ts';
import { fold } from './checksum.ts';
import { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, pseudoHeaderSum } from './ip.ts';
import { ipv4Identification, updateIpv4Checksum } from './ipv4.ts';
import {
  MAX_PACKET,
  MERGE_CONSUMED,
  SLOT_BYTES,
  SLOT_COUNT,
  SLOTS,
  WRITE_COUNT,
  WRITE_FIRST,
  WRITE_LENGTH,
  WRITE_OFFSET,
  WRITE_WORDS,
} from './kernels/layout.ts';
import type { KernelTables } from './kernels/tables.ts';
import { isSame, isSameFlow, type Part, partOf } from './mergeable.ts';
import {
  MIN_TCP_BYTES,
  TCP_ACKNOWLEDGMENT,
  TCP_CHECKSUM,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_SEQUENCE,
  TCP_WINDOW,
  TcpFlag,
  UDP_CHECKSUM,
  UDP_LENGTH,
} from './transport.ts';
import { readUint16, writeUint16 } from './uint16.ts';
import { VNET_HEADER_BYTES, VNET_NEEDS_CHECKSUM, VnetGso, writeVnetHeader } from './virtio-net.ts';

/** In `next`: the last packet of a merged one. */
export const NO_PACKET = 0xffff_ffff;

/** Datagrams in one packet: what every host takes (UDP_MAX_SEGMENTS of Linux until 6.8). */
const MOST_DATAGRAMS = 64;
const IPV4 = 4;
const IPV4_TOTAL_LENGTH = 2;
const IPV4_FLAGS = 6;
const IPV4_DONT_FRAGMENT = 0x4000;
const IPV6_PAYLOAD_LENGTH = 4;
const WORD_MASK = 0xffff;
const NO_HEADER = {
  flags: 0,
  gsoType: 0,
  headerBytes: 0,
  gsoSize: 0,
  checksumStart: 0,
  checksumOffset: 0,
};

/** A packet under construction, at `at` in memory. */
interface Run {
  readonly at: number;
  readonly part: Part;
  readonly first: number;
  last: number;
  packets: number;
  payload: number;
  finished: boolean;
}

/** See {@link Kernels} for the contract of both methods. */
export class Coalescer {
  readonly #tables: KernelTables;
  readonly #bytes: Uint8Array;
  readonly #runs: (Run | undefined)[] = Array.from({ length: SLOT_COUNT });
  #writes = 0;

  constructor(tables: KernelTables) {
    this.#tables = tables;
    this.#bytes = tables.memory;
  }

  reset(): void {
    this.#runs.fill(undefined);
  }

  merge(base: number, from: number, to: number, udp: boolean): number {
    this.#writes = 0;
    for (let i = 0; i < SLOT_COUNT; i++) if (this.#runs[i]?.finished) this.#runs[i] = undefined;
    let at = from;
    while (at < to && this.#place(base, at, udp)) at++;
    if (at === to) for (const run of this.#runs) if (run !== undefined) this.#finish(run);
    this.#tables.results[MERGE_CONSUMED] = at - from;
    return this.#writes;
  }

  /** Deals with one packet; false when it has to wait until what is finished was written. */
  #place(base: number, number: number, udp: boolean): boolean {
    const packet = base + this.#tables.offsets[number]!;
    const length = this.#tables.lengths[number]!;
    const part = partOf(this.#bytes, packet, length, udp);
    for (const run of this.#runs) {
      if (
        run === undefined ||
        run.finished ||
        !isSameFlow(this.#bytes, run.part, run.at, packet, length)
      )
        continue;
      if (part !== undefined && this.#append(run, packet, part, number)) return true;
      // Also for a packet that is not merged: it must not overtake those of its flow that wait.
      this.#finish(run);
    }
    if (part === undefined || part.pushed) {
      this.#tables.follow(number, NO_PACKET);
      writeVnetHeader(this.#bytes, packet, NO_HEADER);
      this.#row(packet, length, number, 1);
      return true;
    }
    const slot = this.#runs.indexOf(undefined);
    if (slot < 0) {
      const open = this.#runs.filter((run) => run !== undefined && !run.finished) as Run[];
      const fewest = open.reduce<Run | undefined>(
        (least, run) => (least === undefined || run.packets < least.packets ? run : least),
        undefined,
      );
      if (fewest !== undefined) this.#finish(fewest);
      return false;
    }
    const at = SLOTS + slot * SLOT_BYTES + ENTRY_HEADER_BYTES;
    this.#bytes.copyWithin(at, packet, packet + length);
    this.#tables.follow(number, NO_PACKET);
    const { payload } = part;
    this.#runs[slot] = {
      at,
      part,
      first: number,
      last: number,
      packets: 1,
      payload,
      finished: false,
    };
    return true;
  }

  /** Appends the packet to the run; false when it must not be. */
  #append(run: Run, packet: number, part: Part, number: number): boolean {
    const { header, protocol, payload: size } = run.part;
    if (part.protocol !== protocol || part.header !== header || part.payload > size) return false;
    if (header + run.payload + part.payload > MAX_PACKET) return false;
    if (!this.#sameHeaders(run, packet)) return false;
    if (protocol === IP_PROTOCOL_UDP && run.packets >= MOST_DATAGRAMS) return false;
    const target = run.at + header + run.payload;
    this.#bytes.copyWithin(target, packet + header, packet + header + part.payload);
    run.payload += part.payload;
    run.packets++;
    this.#tables.follow(run.last, number);
    this.#tables.follow(number, NO_PACKET);
    run.last = number;
    if (part.pushed) this.#bytes[run.at + part.start + TCP_FLAGS]! |= TcpFlag.PSH;
    // A short one can only be the last.
    if (part.pushed || part.payload < size) this.#finish(run);
    return true;
  }

  #sameHeaders(run: Run, packet: number): boolean {
    const bytes = this.#bytes;
    const { version, protocol, start, header } = run.part;
    const other = run.at;
    if (version === IPV4) {
      // Type of service, flags, time to live.
      if (!isSame(bytes, packet, other, 1, 2) || !isSame(bytes, packet, other, 6, 9)) return false;
      // Where it matters the identification counts up, as the host makes it when it segments.
      const follows = (ipv4Identification(bytes, other) + run.packets) & WORD_MASK;
      const whole = (readUint16(bytes, packet + IPV4_FLAGS) & IPV4_DONT_FRAGMENT) !== 0;
      if (!whole && ipv4Identification(bytes, packet) !== follows) return false;
      // Class and flow label, hop limit.
    } else if (!isSame(bytes, packet, other, 0, 4) || !isSame(bytes, packet, other, 7, 8))
      return false;
    if (protocol === IP_PROTOCOL_UDP) return true;
    const sequence = start + TCP_SEQUENCE;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const expected = (view.getUint32(other + sequence) + run.payload) >>> 0;
    return (
      view.getUint32(packet + sequence) === expected &&
      isSame(bytes, packet, other, start + TCP_ACKNOWLEDGMENT, start + TCP_DATA_OFFSET) &&
      isSame(bytes, packet, other, start + TCP_WINDOW, start + TCP_CHECKSUM) &&
      isSame(bytes, packet, other, start + MIN_TCP_BYTES, header)
    );
  }

  /** Makes the run one packet that the host can take, and a row in `writes`. */
  #finish(run: Run): void {
    if (run.finished) return;
    run.finished = true;
    const bytes = this.#bytes;
    const { version, protocol, start, header, payload: size } = run.part;
    const packet = run.at;
    const length = header + run.payload;
    if (run.packets === 1) {
      writeVnetHeader(bytes, packet, NO_HEADER);
    } else {
      const tcp = protocol === IP_PROTOCOL_TCP;
      const checksumOffset = tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
      if (version === IPV4) {
        writeUint16(bytes, packet + IPV4_TOTAL_LENGTH, length);
        updateIpv4Checksum(bytes, packet);
      } else {
        writeUint16(bytes, packet + IPV6_PAYLOAD_LENGTH, length - start);
      }
      if (!tcp) writeUint16(bytes, packet + start + UDP_LENGTH, length - start);
      // The host completes it: it begins with the sum of the pseudo header, not complemented.
      const pseudo = fold(pseudoHeaderSum(bytes, packet, protocol, length - start));
      writeUint16(bytes, packet + start + checksumOffset, pseudo);
      const tcpType = version === IPV4 ? VnetGso.TCPV4 : VnetGso.TCPV6;
      writeVnetHeader(bytes, packet, {
        flags: VNET_NEEDS_CHECKSUM,
        gsoType: tcp ? tcpType : VnetGso.UDP_L4,
        headerBytes: header,
        gsoSize: size,
        checksumStart: start,
        checksumOffset,
      });
    }
    this.#row(packet, length, run.first, run.packets);
  }

  #row(packet: number, length: number, first: number, count: number): void {
    const at = this.#writes * WRITE_WORDS;
    const { writes } = this.#tables;
    writes[at + WRITE_OFFSET] = packet - VNET_HEADER_BYTES;
    writes[at + WRITE_LENGTH] = length + VNET_HEADER_BYTES;
    writes[at + WRITE_FIRST] = first;
    writes[at + WRITE_COUNT] = count;
    this.#writes++;
  }
}
