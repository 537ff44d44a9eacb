// Which packets belong together.

import { FRAGMENT_BITS, version } from './examine';
import {
  IPV4_ADDRESSES,
  IPV4_FRAGMENT,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_PROTOCOL,
  IPV6_ADDRESSES,
  IPV6_ADDRESSES_BYTES,
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  read16,
  TCP_ACKNOWLEDGMENT,
  TCP_HEADER,
  TCP_WINDOW,
} from './packet';
import { built, NONE, record, SLOTS_IN_ALL } from './slot';

const DONT_FRAGMENT: u32 = 0x4000;
/** Bytes of both ports. */
const PORTS: u32 = 4;

/** The slot in which packets of this packet's flow wait, by addresses, protocol and ports. */
export function find(packet: u32, length: u32): u32 {
  for (let slot: u32 = 0; slot < SLOTS_IN_ALL; slot++) {
    const it = record(slot);
    if (it.packets === 0 || it.finished !== 0 || it.version !== version) continue;
    const other = built(slot);
    if (version === 4) {
      if (load<u64>(packet + IPV4_ADDRESSES) !== load<u64>(other + IPV4_ADDRESSES)) continue;
      if (<u32>load<u8>(packet + IPV4_PROTOCOL) !== it.protocol) continue;
      // A later fragment has no ports: it may belong to any flow between the two hosts.
      if (
        (<u32>load<u8>(packet) & 15) === 5 &&
        (read16(packet + IPV4_FRAGMENT) & FRAGMENT_BITS) === 0
      ) {
        if (
          length >= IPV4_HEADER + PORTS &&
          load<u32>(packet + IPV4_HEADER) !== load<u32>(other + IPV4_HEADER)
        )
          continue;
      }
    } else {
      if (!same(packet + IPV6_ADDRESSES, other + IPV6_ADDRESSES, IPV6_ADDRESSES_BYTES)) continue;
      const next = <u32>load<u8>(packet + IPV6_NEXT_HEADER);
      // Behind an extension header any flow between the two hosts may follow.
      if (next === PROTOCOL_TCP || next === PROTOCOL_UDP) {
        if (next !== it.protocol) continue;
        if (
          length >= IPV6_HEADER + PORTS &&
          load<u32>(packet + IPV6_HEADER) !== load<u32>(other + IPV6_HEADER)
        )
          continue;
      }
    }
    return slot;
  }
  return NONE;
}

function same(a: u32, b: u32, bytes: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= bytes; i += 8) if (load<u64>(a + i) !== load<u64>(b + i)) return false;
  for (; i < bytes; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  return true;
}

/** Whether both IP headers say the same, but for what differs from packet to packet. */
export function alike(packet: u32, other: u32, packets: u32): bool {
  if (version === 6)
    return load<u32>(packet) === load<u32>(other) && load<u8>(packet, 7) === load<u8>(other, 7);
  // Type of service; flags; time to live.
  if (load<u8>(packet, 1) !== load<u8>(other, 1) || load<u8>(packet, 8) !== load<u8>(other, 8))
    return false;
  const fragment = read16(packet + IPV4_FRAGMENT);
  if (fragment !== read16(other + IPV4_FRAGMENT)) return false;
  // Where it matters the identification counts up, as the host will make it count when it splits.
  if ((fragment & DONT_FRAGMENT) !== 0) return true;
  return read16(packet + IPV4_ID) === ((read16(other + IPV4_ID) + packets) & 0xffff);
}

/** Acknowledgment, data offset, window and options are the same; sequence, flags and checksum may differ. */
export function sameTcp(a: u32, b: u32, bytes: u32): bool {
  return (
    load<u32>(a + TCP_ACKNOWLEDGMENT) === load<u32>(b + TCP_ACKNOWLEDGMENT) &&
    load<u16>(a + TCP_WINDOW) === load<u16>(b + TCP_WINDOW) &&
    same(a + TCP_HEADER, b + TCP_HEADER, bytes - TCP_HEADER)
  );
}
