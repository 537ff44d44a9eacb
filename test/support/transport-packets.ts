/** TCP segments and UDP datagrams with every header field settable, built naively. */

import { addressBytes, internetChecksum } from './ip-packets.ts';

/** What a packet is made from. Everything has a default that makes it mergeable with its neighbours. */
export interface Recipe {
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly flow: number;
  readonly payload: readonly number[];
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** TCP options, a multiple of 4 bytes. */
  readonly options?: readonly number[];
  readonly ttl?: number;
  readonly tos?: number;
  readonly flowLabel?: number;
  readonly identification?: number;
  readonly fragment?: number;
  readonly ipOptions?: readonly number[];
  /** Extension headers of IPv6: the next header, and their bytes, whose own next header is set. */
  readonly extension?: { readonly next: number; readonly bytes: readonly number[] };
  readonly badChecksum?: boolean;
  readonly badHeaderChecksum?: boolean;
  /** UDP without a checksum. */
  readonly noChecksum?: boolean;
}

export const DONT_FRAGMENT = 0x4000;
export const ACK = 0x10;

const TCP = 6;
const UDP = 17;
const word = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
const long = (value: number): number[] => [...word(value >>> 16), ...word(value)];

function addresses(recipe: Recipe): [number[], number[]] {
  const host = recipe.flow % 2;
  return recipe.version === 4
    ? [addressBytes(`10.7.0.${2 + host}`), addressBytes('10.8.0.1')]
    : [addressBytes(`fd07::${2 + host}`), addressBytes('fd08::1')];
}

function transportHeader(recipe: Recipe): number[] {
  const ports = [...word(1000 + (recipe.flow >> 1)), ...word(443)];
  if (recipe.protocol === 'udp') return [...ports, ...word(8 + recipe.payload.length), 0, 0];
  const options = recipe.options ?? [];
  return [
    ...ports,
    ...long(recipe.sequence ?? 1),
    ...long(recipe.acknowledgment ?? 99),
    (5 + options.length / 4) << 4,
    recipe.flags ?? ACK,
    ...word(recipe.window ?? 512),
    ...[0, 0],
    ...word(recipe.urgent ?? 0),
    ...options,
  ];
}

/** Where the checksum lies in the transport header. */
export const checksumOffset = (protocol: 'tcp' | 'udp'): number => (protocol === 'tcp' ? 16 : 6);

/** The sum over the pseudo header, folded and not complemented: what a host leaves in the field. */
export function pseudoHeader(recipe: Recipe, length: number): number {
  const [source, destination] = addresses(recipe);
  const protocol = recipe.protocol === 'tcp' ? TCP : UDP;
  return ~internetChecksum([...source, ...destination, 0, protocol, ...word(length)]) & 0xffff;
}

/** The bytes in front of the transport header. */
function ipHeader(recipe: Recipe, carried: number): number[] {
  const [source, destination] = addresses(recipe);
  const protocol = recipe.protocol === 'tcp' ? TCP : UDP;
  const { tos = 0, ttl = 64 } = recipe;
  if (recipe.version === 6) {
    const extension = recipe.extension?.bytes ?? [];
    const first = [0x60 | (tos >> 4), ((tos & 15) << 4) | 0, ...word(recipe.flowLabel ?? 0)];
    const next = recipe.extension?.next ?? protocol;
    const rest = [...word(extension.length + carried), next, ttl, ...source, ...destination];
    return [...first, ...rest, ...(extension.length > 0 ? [protocol, ...extension.slice(1)] : [])];
  }
  const options = recipe.ipOptions ?? [];
  const header = [
    0x45 + options.length / 4,
    tos,
    ...word(20 + options.length + carried),
    ...word(recipe.identification ?? 0),
    ...word(recipe.fragment ?? DONT_FRAGMENT),
    ttl,
    protocol,
    ...[0, 0],
    ...source,
    ...destination,
    ...options,
  ];
  const checksum = internetChecksum(header) ^ (recipe.badHeaderChecksum ? 0x0100 : 0);
  header.splice(10, 2, ...word(checksum));
  return header;
}

/** A packet with a complete checksum. */
export function transportPacket(recipe: Recipe): Uint8Array {
  const header = transportHeader(recipe);
  const carried = [...header, ...recipe.payload];
  const pseudo = pseudoHeader(recipe, carried.length);
  let checksum = internetChecksum([...word(pseudo), ...carried]);
  if (recipe.protocol === 'udp' && checksum === 0) checksum = 0xffff;
  if (recipe.badChecksum) checksum ^= 0x1000;
  if (recipe.noChecksum) checksum = 0;
  carried.splice(checksumOffset(recipe.protocol), 2, ...word(checksum));
  return Uint8Array.from([...ipHeader(recipe, carried.length), ...carried]);
}

/** A super-packet as a host hands it over: its virtio-net header (little-endian), and its bytes. */
export interface SuperPacket {
  readonly header: Uint8Array;
  readonly packet: Uint8Array;
}

/** One packet for all of `payload`, to be cut into pieces of `gsoSize` bytes. */
export function superPacket(recipe: Recipe, gsoSize: number): SuperPacket {
  const carried = [...transportHeader(recipe), ...recipe.payload];
  const offset = checksumOffset(recipe.protocol);
  carried.splice(offset, 2, ...word(pseudoHeader(recipe, carried.length)));
  const ip = ipHeader(recipe, carried.length);
  const tcpType = recipe.version === 4 ? 1 : 4;
  const header = new DataView(new ArrayBuffer(10));
  header.setUint8(0, 1);
  header.setUint8(1, recipe.protocol === 'tcp' ? tcpType : 5);
  header.setUint16(2, ip.length + carried.length - recipe.payload.length, true);
  header.setUint16(4, gsoSize, true);
  header.setUint16(6, ip.length, true);
  header.setUint16(8, offset, true);
  return { header: new Uint8Array(header.buffer), packet: Uint8Array.from([...ip, ...carried]) };
}
