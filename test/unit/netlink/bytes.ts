/** Hand-written byte vectors: hexadecimal with blanks, least significant byte first or last. */

import { Message } from '#dist/os/netlink-reader.js';

/** Bytes of a hexadecimal text; white space is for the eye. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
}

/** A copy that lies in the middle of a larger buffer filled with 0xa5, as slices do. */
export function amidst(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 16).fill(0xa5);
  whole.set(bytes, 8);
  return whole.subarray(8, 8 + bytes.length);
}

/** A message in little-endian order, checked by the reader. */
export function littleEndian(text: string): Message {
  return new Message(amidst(hex(text)), true);
}

/** A message in big-endian order, checked by the reader. */
export function bigEndian(text: string): Message {
  return new Message(amidst(hex(text)), false);
}
