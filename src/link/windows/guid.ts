/**
 * GUIDs as Windows has them in memory: the first three groups as numbers in its byte order, which is
 * little endian, the other two as they are written.
 */

const GUID_BYTES = 16;
const HEXADECIMAL = 16;
/** Where each group begins that is a number, and its bytes. */
const NUMBERS = [
  [0, 4],
  [4, 2],
  [6, 2],
] as const;

/** The bytes of a GUID written with its hyphens and without braces. */
export function guidBytes(text: string): Uint8Array {
  const digits = text.replaceAll('-', '');
  const bytes = Uint8Array.from({ length: GUID_BYTES }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), HEXADECIMAL),
  );
  return swapNumbers(bytes);
}

/** The text of a GUID's bytes. */
export function guidText(bytes: Uint8Array): string {
  return hyphenated(swapNumbers(bytes.slice()));
}

/** 16 bytes in the order in which they are written, as text. */
export function hyphenated(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function swapNumbers(bytes: Uint8Array): Uint8Array {
  for (const [at, length] of NUMBERS) bytes.subarray(at, at + length).reverse();
  return bytes;
}
