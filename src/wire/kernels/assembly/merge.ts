// Generic receive offload, before the host: runs of packets of one flow in a written bundle become
// one packet with a virtio-net header, so that the host takes them in one call. Only what the host's
// own merging would put together (net/ipv4/tcp_offload.c and udp_offload.c of Linux), and only with a
// checksum that is right, since the host does not look at it again. No longer than an entry takes: a host
// that forwards it to another adapter of ours would have to take a longer one apart.

import {
  LENGTHS,
  MAX_PACKET,
  MERGE_CONSUMED,
  NEXT,
  OFFSETS,
  RESULTS,
  TABLE_WORD_BYTES,
  WRITE_COUNT,
  WRITE_FIRST,
  WRITE_LENGTH,
  WRITE_OFFSET,
  WRITE_WORDS,
  WRITES,
} from '../layout';
import { copy, fold } from './checksum';
import { alike, find, sameTcp } from './compare';
import { examine, header, payload, protocol, pushed, start, version } from './examine';
import {
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  IPV4_HEADER,
  IPV4_TOTAL_LENGTH,
  IPV6_HEADER,
  IPV6_PAYLOAD_LENGTH,
  NEEDS_CHECKSUM,
  PROTOCOL_TCP,
  pseudoSum,
  sealIpv4,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_PSH,
  TCP_SEQUENCE,
  UDP_CHECKSUM,
  UDP_LENGTH,
  VNET_CHECKSUM_OFFSET,
  VNET_CHECKSUM_START,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HEADER,
  VNET_HEADER_LENGTH,
  write16,
} from './packet';
import { built, NONE, record, SLOTS_IN_ALL } from './slot';

/** Datagrams in one packet: what every host takes (UDP_MAX_SEGMENTS of Linux until 6.8). */
const MOST_DATAGRAMS: u32 = 64;

let writes: u32 = 0;

function row(offset: u32, length: u32, first: u32, count: u32): void {
  const at = WRITES + writes * WRITE_WORDS * TABLE_WORD_BYTES;
  store<u32>(at + WRITE_OFFSET * TABLE_WORD_BYTES, offset);
  store<u32>(at + WRITE_LENGTH * TABLE_WORD_BYTES, length);
  store<u32>(at + WRITE_FIRST * TABLE_WORD_BYTES, first);
  store<u32>(at + WRITE_COUNT * TABLE_WORD_BYTES, count);
  writes++;
}

/** Forgets what a bundle before, which ended in an error, may have left. */
export function mergeReset(): void {
  for (let slot: u32 = 0; slot < SLOTS_IN_ALL; slot++) {
    record(slot).packets = 0;
    record(slot).finished = 0;
  }
}

/**
 * Goes on with the packets numbered `from` to `to` (exclusive) of the bundle whose tables are in
 * `offsets` and `lengths`, and which lies in memory so that its byte 0 would be at `base`. `udp` tells
 * whether the host takes merged datagrams. Returns the rows in `writes`: to be written, in order,
 * before the next call. Ends with all slots empty when `to` is reached.
 */
export function merge(base: u32, from: u32, to: u32, udp: bool): u32 {
  writes = 0;
  for (let slot: u32 = 0; slot < SLOTS_IN_ALL; slot++) {
    const it = record(slot);
    if (it.finished !== 0) {
      it.finished = 0;
      it.packets = 0;
    }
  }
  let at = from;
  for (; at < to; at++) {
    if (!place(base, at, udp)) break;
  }
  if (at === to) for (let slot: u32 = 0; slot < SLOTS_IN_ALL; slot++) finish(slot);
  store<u32>(RESULTS + MERGE_CONSUMED * TABLE_WORD_BYTES, at - from);
  return writes;
}

function offsetOf(packet: u32): u32 {
  return load<u32>(OFFSETS + packet * TABLE_WORD_BYTES);
}

function lengthOf(packet: u32): u32 {
  return load<u32>(LENGTHS + packet * TABLE_WORD_BYTES);
}

function follow(packet: u32, next: u32): void {
  store<u32>(NEXT + packet * TABLE_WORD_BYTES, next);
}

/** Deals with one packet; false when it has to wait until what is finished was written. */
function place(base: u32, number: u32, udp: bool): bool {
  const packet = base + offsetOf(number);
  const length = lengthOf(number);
  const mergeable = examine(packet, length, udp);
  for (let slot = find(packet, length); slot !== NONE; slot = find(packet, length)) {
    if (mergeable && append(slot, packet, number)) return true;
    // Also for a packet that is not merged: it must not overtake those of its flow that wait.
    finish(slot);
  }
  if (!mergeable || (protocol === PROTOCOL_TCP && pushed)) {
    follow(number, NONE);
    clearHeader(packet);
    row(packet - VNET_HEADER, length + VNET_HEADER, number, 1);
    return true;
  }
  const free = freeSlot();
  if (free === NONE) return false;
  begin(free, packet, number);
  return true;
}

function clearHeader(packet: u32): void {
  const vnet = packet - VNET_HEADER;
  store<u64>(vnet, 0);
  store<u16>(vnet, 0, 8);
}

/** An empty slot. When all are taken the one with the fewest packets is finished, for the next call. */
function freeSlot(): u32 {
  let fewest = NONE;
  for (let slot: u32 = 0; slot < SLOTS_IN_ALL; slot++) {
    const it = record(slot);
    if (it.packets === 0) return slot;
    if (it.finished !== 0) continue;
    if (fewest === NONE || it.packets < record(fewest).packets) fewest = slot;
  }
  if (fewest !== NONE) finish(fewest);
  return NONE;
}

/** Starts a packet in an empty slot. */
function begin(slot: u32, packet: u32, number: u32): void {
  const it = record(slot);
  it.packets = 1;
  it.first = number;
  it.last = number;
  it.version = version;
  it.protocol = protocol;
  it.start = start;
  it.header = header;
  it.size = payload;
  it.payload = payload;
  if (protocol === PROTOCOL_TCP) {
    it.sequence = bswap<u32>(load<u32>(packet + start + TCP_SEQUENCE)) + payload;
  }
  follow(number, NONE);
  copy(built(slot), packet, header + payload);
}

/** Appends the packet to the one in the slot; false when it must not be. */
function append(slot: u32, packet: u32, number: u32): bool {
  const it = record(slot);
  const other = built(slot);
  if (it.protocol !== protocol || it.header !== header || payload > it.size) return false;
  if (it.header + it.payload + payload > <u32>MAX_PACKET) return false;
  if (!alike(packet, other, it.packets)) return false;
  const transport = packet + start;
  if (protocol === PROTOCOL_TCP) {
    if (bswap<u32>(load<u32>(transport + TCP_SEQUENCE)) !== it.sequence) return false;
    if (!sameTcp(transport, other + start, header - start)) return false;
  } else if (it.packets >= MOST_DATAGRAMS) return false;
  copy(other + it.header + it.payload, packet + header, payload);
  it.payload += payload;
  it.sequence += payload;
  it.packets++;
  follow(it.last, number);
  follow(number, NONE);
  it.last = number;
  if (pushed) {
    const flags = other + start + TCP_FLAGS;
    store<u8>(flags, <u8>(<u32>load<u8>(flags) | TCP_PSH));
  }
  // A short one can only be the last.
  if (pushed || payload < it.size) finish(slot);
  return true;
}

/** Makes the slot's packet one that the host can take, and a row in `writes`. */
function finish(slot: u32): void {
  const it = record(slot);
  if (it.packets === 0 || it.finished !== 0) return;
  it.finished = 1;
  const packet = built(slot);
  const length = it.header + it.payload;
  const vnet = packet - VNET_HEADER;
  store<u64>(vnet, 0);
  store<u16>(vnet, 0, 8);
  if (it.packets > 1) {
    const tcp = it.protocol === PROTOCOL_TCP;
    if (it.version === 4) {
      write16(packet + IPV4_TOTAL_LENGTH, length);
      sealIpv4(packet, IPV4_HEADER);
    } else {
      write16(packet + IPV6_PAYLOAD_LENGTH, length - IPV6_HEADER);
    }
    const transport = packet + it.start;
    if (!tcp) write16(transport + UDP_LENGTH, length - it.start);
    const check: u32 = tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
    // The host completes it: it begins with the pseudo-header, not complemented.
    const pseudo = fold(pseudoSum(packet, it.version, it.protocol, length - it.start));
    store<u16>(transport + check, <u16>pseudo);
    store<u8>(vnet, <u8>NEEDS_CHECKSUM);
    const kind = tcp ? (it.version === 4 ? GSO_TCPV4 : GSO_TCPV6) : GSO_UDP_L4;
    store<u8>(vnet + VNET_GSO_TYPE, <u8>kind);
    store<u16>(vnet + VNET_HEADER_LENGTH, <u16>it.header);
    store<u16>(vnet + VNET_GSO_SIZE, <u16>it.size);
    store<u16>(vnet + VNET_CHECKSUM_START, <u16>it.start);
    store<u16>(vnet + VNET_CHECKSUM_OFFSET, <u16>check);
  }
  row(vnet, length + VNET_HEADER, it.first, it.packets);
}
