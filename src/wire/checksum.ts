/**
 * The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words in network
 * order, an odd last byte counting as the high half of a word (RFC 1071).
 *
 * A partial sum can be carried from part to part, as long as each part but the last has an even
 * number of bytes. `test/reference/checksum.ts` is its naive twin.
 */

const BITS_PER_BYTE = 8;
const BITS_PER_WORD = 16;
const WORD_MASK = 0xffff;

/**
 * Adds up `length` bytes from `offset` on to `initial`. The result is not folded; it stays exact for
 * 2^37 bytes, far beyond any packet. The caller has checked the range.
 */
export function sum(bytes: Uint8Array, offset: number, length: number, initial = 0): number {
  const end = offset + length;
  const even = end - (length & 1);
  let total = initial;
  for (let i = offset; i < even; i += 2) total += (bytes[i]! << BITS_PER_BYTE) | bytes[i + 1]!;
  if (even < end) total += bytes[even]! << BITS_PER_BYTE;
  return total;
}

/** Folds a sum into 16 bits, carries added back in. */
export function fold(total: number): number {
  let folded = total;
  while (folded > WORD_MASK)
    folded = (folded & WORD_MASK) + Math.floor(folded / (1 << BITS_PER_WORD));
  return folded;
}

/** The checksum of a range: what goes into the checksum field, or 0 over a range that holds a right one. */
export function checksum(bytes: Uint8Array, offset: number, length: number, initial = 0): number {
  return ~fold(sum(bytes, offset, length, initial)) & WORD_MASK;
}
