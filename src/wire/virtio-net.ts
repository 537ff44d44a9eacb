/**
 * The virtio-net header, which the host puts in front of a packet on a device with offload: what is
 * left to do for it. Native byte order, as Linux uses it on a TUN (virtio specification 1.2, section
 * 5.1.6, in its legacy form of 10 bytes; linux/virtio_net.h).
 *
 * ```
 *  0        1          2           4           6             8              10
 * +--------+----------+-----------+-----------+-------------+--------------+
 * | flags  | gso_type | hdr_len   | gso_size  | csum_start  | csum_offset  |
 * +--------+----------+-----------+-----------+-------------+--------------+
 * ```
 *
 * In a bundle it lies right in front of the packet, in the last 10 bytes of the padding behind the
 * size word: all zero says an ordinary packet.
 */

import { ENTRY_HEADER_BYTES, SIZE_WORD_BYTES } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, type PaddingRule } from './bundle.ts';

export const VNET_HEADER_BYTES = 10;

const GSO_TYPE = 1;
const HEADER_LENGTH = 2;
const GSO_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;

/** `flags`: the checksum from `csum_start` on is still to be put at `csum_offset` behind it. */
export const VNET_NEEDS_CHECKSUM = 1;
/** `flags`: the checksum was verified. */
export const VNET_DATA_VALID = 2;

/** What the packet stands for. */
export const VnetGso = { NONE: 0, TCPV4: 1, TCPV6: 4, UDP_L4: 5 } as const;
/** With `gso_type`: congestion was echoed (RFC 3168), CWR belongs to the first segment alone. */
export const VNET_GSO_ECN = 0x80;

/** A header's fields. Packets of an ordinary device: all zero. */
export interface VnetHeader {
  flags: number;
  gsoType: number;
  /** Bytes of all headers, as a hint. */
  headerBytes: number;
  /** Payload bytes of each segment but the last. */
  gsoSize: number;
  checksumStart: number;
  checksumOffset: number;
}

/** Reads the header in front of the packet at `packet`. The caller has checked the range. */
export function readVnetHeader(bytes: Uint8Array, packet: number): VnetHeader {
  const at = packet - VNET_HEADER_BYTES;
  return {
    flags: bytes[at]!,
    gsoType: bytes[at + GSO_TYPE]!,
    headerBytes: read16(bytes, at + HEADER_LENGTH),
    gsoSize: read16(bytes, at + GSO_SIZE),
    checksumStart: read16(bytes, at + CHECKSUM_START),
    checksumOffset: read16(bytes, at + CHECKSUM_OFFSET),
  };
}

/** Writes the header in front of the packet at `packet`. The caller has checked the range. */
export function writeVnetHeader(bytes: Uint8Array, packet: number, header: VnetHeader): void {
  const at = packet - VNET_HEADER_BYTES;
  bytes[at] = header.flags;
  bytes[at + GSO_TYPE] = header.gsoType;
  write16(bytes, at + HEADER_LENGTH, header.headerBytes);
  write16(bytes, at + GSO_SIZE, header.gsoSize);
  write16(bytes, at + CHECKSUM_START, header.checksumStart);
  write16(bytes, at + CHECKSUM_OFFSET, header.checksumOffset);
}

/**
 * Whether the header in front of the packet of `length` bytes at `packet` can be one: nothing it
 * points at lies outside the packet. Allocates nothing.
 */
export function isVnetHeader(bytes: Uint8Array, packet: number, length: number): boolean {
  const at = packet - VNET_HEADER_BYTES;
  const flags = bytes[at]!;
  const type = bytes[at + GSO_TYPE]! & ~VNET_GSO_ECN;
  if ((flags & ~(VNET_NEEDS_CHECKSUM | VNET_DATA_VALID)) !== 0) return false;
  const needsChecksum = (flags & VNET_NEEDS_CHECKSUM) !== 0;
  const start = read16(bytes, at + CHECKSUM_START);
  const field = start + read16(bytes, at + CHECKSUM_OFFSET);
  if (needsChecksum && field + CHECKSUM_BYTES > length) return false;
  if (type === VnetGso.NONE) return true;
  if (type !== VnetGso.TCPV4 && type !== VnetGso.TCPV6 && type !== VnetGso.UDP_L4) return false;
  return (
    needsChecksum &&
    read16(bytes, at + GSO_SIZE) > 0 &&
    read16(bytes, at + HEADER_LENGTH) <= length &&
    start < length
  );
}

/** What lies between size word and packet in a bundle that carries these headers. */
export const isCarriedPadding: PaddingRule = (bytes, packet, size) => {
  for (let i = packet - ENTRY_HEADER_BYTES + SIZE_WORD_BYTES; i < packet - VNET_HEADER_BYTES; i++) {
    if (bytes[i] !== 0) return false;
  }
  return isVnetHeader(bytes, packet, size);
};

const CHECKSUM_BYTES = 2;
const BITS_PER_BYTE = 8;

function read16(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  const second = bytes[offset + 1]!;
  return HOST_LITTLE_ENDIAN ? first | (second << BITS_PER_BYTE) : (first << BITS_PER_BYTE) | second;
}

function write16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset + (HOST_LITTLE_ENDIAN ? 0 : 1)] = value;
  bytes[offset + (HOST_LITTLE_ENDIAN ? 1 : 0)] = value >>> BITS_PER_BYTE;
}
