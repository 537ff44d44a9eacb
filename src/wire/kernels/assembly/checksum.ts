// The Internet checksum with SIMD. Sums are kept in the host's byte order, which the ones' complement
// sum does not mind (RFC 1071, section 2B): a result is stored as it is. WebAssembly is little-endian.

/** Adds up `length` bytes as 16-bit words, not folded; stays exact for any packet. */
export function sum(address: usize, length: usize, initial: u64): u64 {
  let total = initial;
  let at = address;
  const end = address + length;
  if (length >= 64) {
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    // A lane grows by at most 2 * 65,535 a round: no packet is long enough to overflow it.
    while (at + 64 <= end) {
      a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
      b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(at, 16)));
      a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(at, 32)));
      b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(at, 48)));
      at += 64;
    }
    a = i32x4.add(a, b);
    total += <u64>(<u32>i32x4.extract_lane(a, 0));
    total += <u64>(<u32>i32x4.extract_lane(a, 1));
    total += <u64>(<u32>i32x4.extract_lane(a, 2));
    total += <u64>(<u32>i32x4.extract_lane(a, 3));
  }
  while (at + 4 <= end) {
    total += <u64>load<u32>(at);
    at += 4;
  }
  if (at + 2 <= end) {
    total += <u64>load<u16>(at);
    at += 2;
  }
  if (at < end) total += <u64>load<u8>(at);
  return total;
}

/**
 * Copies `length` bytes, which do not overlap, and returns their sum as {@link sum} does: what is
 * loaded for the one serves the other.
 */
export function copyAndSum(target: usize, source: usize, length: usize): u64 {
  let from = source;
  let to = target;
  const end = source + length;
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  while (from + 64 <= end) {
    const w = v128.load(from);
    const x = v128.load(from, 16);
    const y = v128.load(from, 32);
    const z = v128.load(from, 48);
    v128.store(to, w);
    v128.store(to, x, 16);
    v128.store(to, y, 32);
    v128.store(to, z, 48);
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(w));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(x));
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(y));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(z));
    from += 64;
    to += 64;
  }
  a = i32x4.add(a, b);
  let total = <u64>(<u32>i32x4.extract_lane(a, 0));
  total += <u64>(<u32>i32x4.extract_lane(a, 1));
  total += <u64>(<u32>i32x4.extract_lane(a, 2));
  total += <u64>(<u32>i32x4.extract_lane(a, 3));
  copy(to, from, end - from);
  return sum(from, end - from, total);
}

/** Copies `length` bytes, which do not overlap. */
export function copy(target: usize, source: usize, length: usize): void {
  let from = source;
  let to = target;
  const end = source + length;
  while (from + 64 <= end) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
    from += 64;
    to += 64;
  }
  while (from + 8 <= end) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  while (from < end) {
    store<u8>(to, load<u8>(from));
    from++;
    to++;
  }
}

/** Folds a sum into 16 bits. */
export function fold(total: u64): u32 {
  let folded = (total >> 32) + (total & 0xffffffff);
  folded = (folded >> 16) + (folded & 0xffff);
  folded = (folded >> 16) + (folded & 0xffff);
  folded = (folded >> 16) + (folded & 0xffff);
  return <u32>folded;
}

/** The ones' complement of a folded sum: what a checksum field holds, in the host's order. */
export function complement(total: u64): u32 {
  return ~fold(total) & 0xffff;
}

/** A number of 16 bits as it lies in network order, read in the host's. */
export function swapped(value: u32): u32 {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}
