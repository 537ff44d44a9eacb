/** Two-byte integers in network order, as IP headers hold them. The caller has checked the range. */

const BITS_PER_BYTE = 8;

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << BITS_PER_BYTE) | bytes[offset + 1]!;
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> BITS_PER_BYTE;
  bytes[offset + 1] = value;
}
