// Generic segmentation offload, undone: one packet as the host gives it, with its virtio-net header,
// becomes the packets that it stands for. As the host itself would cut it (net/ipv4/tcp_offload.c,
// udp_offload.c and af_inet.c of Linux, read for what they do to each field).

import {
  MAX_PACKET,
  RESULTS,
  SPLIT_BYTES,
  SPLIT_OCTETS,
  SPLIT_TOTAL,
  TABLE_WORD_BYTES,
} from '../layout';
import { complement, copy, copyAndSum, sum, swapped } from './checksum';
import {
  ENTRY_HEADER,
  entryBytes,
  frame,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_PROTOCOL,
  IPV4_TOTAL_LENGTH,
  IPV6_HEADER,
  IPV6_PAYLOAD_LENGTH,
  NEEDS_CHECKSUM,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  read16,
  sealIpv4,
  TCP_CHECKSUM,
  TCP_CWR,
  TCP_DATA_OFFSET,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_PSH,
  TCP_SEQUENCE,
  UDP_CHECKSUM,
  UDP_HEADER,
  UDP_LENGTH,
  VNET_CHECKSUM_OFFSET,
  VNET_CHECKSUM_START,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HEADER,
  write16,
} from './packet';

/** The packet cannot be what its virtio-net header says. */
const REFUSED: i32 = -1;

function result(word: u32, value: u32): void {
  store<u32>(RESULTS + word * TABLE_WORD_BYTES, value);
}

/**
 * Writes entries to `target` for the packet of `length` bytes at `packet`, whose virtio-net header
 * lies right in front of it: those from number `skip` on, at most `most`, and no more than fit into
 * `room` bytes. Returns how many were written, or -1 when the header is not to be believed.
 */
export function split(packet: u32, length: u32, target: u32, room: u32, most: u32, skip: u32): i32 {
  result(SPLIT_BYTES, 0);
  result(SPLIT_OCTETS, 0);
  result(SPLIT_TOTAL, 0);
  const vnet = packet - VNET_HEADER;
  const flags = <u32>load<u8>(vnet);
  const kind = <u32>load<u8>(vnet + VNET_GSO_TYPE) & ~GSO_ECN;
  const start = <u32>load<u16>(vnet + VNET_CHECKSUM_START);
  const field = start + <u32>load<u16>(vnet + VNET_CHECKSUM_OFFSET);
  const needs = (flags & NEEDS_CHECKSUM) !== 0;
  if (needs && field + 2 > length) return REFUSED;
  if (kind === GSO_NONE)
    return whole(packet, length, target, room, most, skip, needs, start, field);
  if (!needs) return REFUSED;

  const version = <u32>load<u8>(packet) >> 4;
  const tcp = kind === GSO_TCPV4 || kind === GSO_TCPV6;
  if (!tcp && kind !== GSO_UDP_L4) return REFUSED;
  if (kind === GSO_TCPV4 && version !== 4) return REFUSED;
  if (kind === GSO_TCPV6 && version !== 6) return REFUSED;
  // The transport header begins where the checksum does; hdr_len is only a hint, and often wrong.
  if (version === 4) {
    if (length < IPV4_HEADER || start !== (<u32>load<u8>(packet) & 15) << 2) return REFUSED;
    if (start < IPV4_HEADER) return REFUSED;
    if (<u32>load<u8>(packet + IPV4_PROTOCOL) !== (tcp ? PROTOCOL_TCP : PROTOCOL_UDP))
      return REFUSED;
  } else {
    if (version !== 6 || start < IPV6_HEADER) return REFUSED;
  }
  if (field !== start + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM)) return REFUSED;
  if (start + (tcp ? TCP_HEADER : UDP_HEADER) > length) return REFUSED;
  const transport = packet + start;
  const header =
    start + (tcp ? (<u32>load<u8>(transport + TCP_DATA_OFFSET) >> 4) << 2 : UDP_HEADER);
  if (header < start + (tcp ? TCP_HEADER : UDP_HEADER)) return REFUSED;
  const size = <u32>load<u16>(vnet + VNET_GSO_SIZE);
  if (size === 0 || header >= length) return REFUSED;
  const payload = length - header;
  if (header + min(size, payload) > <u32>MAX_PACKET) return REFUSED;
  return segments(packet, length, target, room, most, skip, version, tcp, start, header, size);
}

/** A packet that stands for itself. */
function whole(
  packet: u32,
  length: u32,
  target: u32,
  room: u32,
  most: u32,
  skip: u32,
  needs: bool,
  start: u32,
  field: u32,
): i32 {
  result(SPLIT_TOTAL, 1);
  const bytes = entryBytes(length);
  if (skip > 0 || most === 0 || bytes > room) return 0;
  const made = target + ENTRY_HEADER;
  copy(made, packet, length);
  if (needs) {
    const value = complement(sum(made + start, length - start, 0));
    store<u16>(made + field, <u16>(value === 0 ? 0xffff : value));
  }
  frame(target, length);
  result(SPLIT_BYTES, bytes);
  result(SPLIT_OCTETS, length);
  return 1;
}

function segments(
  packet: u32,
  length: u32,
  target: u32,
  room: u32,
  most: u32,
  skip: u32,
  version: u32,
  tcp: bool,
  start: u32,
  header: u32,
  size: u32,
): i32 {
  const payload = length - header;
  const total = (payload + size - 1) / size;
  result(SPLIT_TOTAL, total);
  // The field holds the sum over the pseudo-header; of that only the length changes. Its own
  // addresses need not be those of the IP header: a routing header may name others.
  const check = packet + start + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  const pseudo = <u64>load<u16>(check) + <u64>(~swapped(length - start) & 0xffff);
  const id = version === 4 ? read16(packet + IPV4_ID) : 0;
  const sequence = tcp ? bswap<u32>(load<u32>(packet + start + TCP_SEQUENCE)) : 0;
  let at: u32 = 0;
  let octets: u32 = 0;
  let written: u32 = 0;
  for (let i = skip; i < total && written < most; i++) {
    const last = i === total - 1;
    const chunk = last ? payload - i * size : size;
    const bytes = header + chunk;
    if (at + entryBytes(bytes) > room) break;
    const entry = target + at;
    const made = entry + ENTRY_HEADER;
    copy(made, packet, header);
    const payloadSum = copyAndSum(made + header, packet + header + i * size, chunk);
    if (version === 4) {
      write16(made + IPV4_TOTAL_LENGTH, bytes);
      write16(made + IPV4_ID, id + i);
      sealIpv4(made, start);
    } else {
      write16(made + IPV6_PAYLOAD_LENGTH, bytes - IPV6_HEADER);
    }
    const transport = made + start;
    const carried = bytes - start;
    const initial = pseudo + <u64>swapped(carried) + payloadSum;
    if (tcp) {
      store<u32>(transport + TCP_SEQUENCE, bswap<u32>(sequence + i * size));
      let drop: u32 = i === 0 ? 0 : TCP_CWR;
      if (!last) drop |= TCP_FIN | TCP_PSH;
      store<u8>(transport + TCP_FLAGS, <u8>(<u32>load<u8>(transport + TCP_FLAGS) & ~drop));
      store<u16>(transport + TCP_CHECKSUM, 0);
      const value = complement(sum(transport, header - start, initial));
      store<u16>(transport + TCP_CHECKSUM, <u16>value);
    } else {
      write16(transport + UDP_LENGTH, carried);
      store<u16>(transport + UDP_CHECKSUM, 0);
      const value = complement(sum(transport, header - start, initial));
      store<u16>(transport + UDP_CHECKSUM, <u16>(value === 0 ? 0xffff : value));
    }
    frame(entry, bytes);
    at += entryBytes(bytes);
    octets += bytes;
    written++;
  }
  result(SPLIT_BYTES, at);
  result(SPLIT_OCTETS, octets);
  return <i32>written;
}
