/** Small valid packets for tests, with a number in them to tell them apart. */

import { checksum } from '#dist/wire/checksum.js';

const HEADER_BYTES = 20;
const NUMBER_OFFSET = 24;

/** An IPv4 packet of `length` bytes (28 or more) from 10.7.0.1 to 10.7.0.2 that carries `number`. */
export function packet(number: number, length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 253]);
  bytes.set([10, 7, 0, 1, 10, 7, 0, 2], 12);
  view.setUint16(10, checksum(bytes, 0, HEADER_BYTES));
  view.setUint32(NUMBER_OFFSET, number);
  return bytes;
}

/** The number a packet of {@link packet} carries. */
export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(NUMBER_OFFSET);
}

/** Lets the event loop turn, so that readiness callbacks run. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
