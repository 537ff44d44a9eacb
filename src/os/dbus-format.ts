/**
 * D-Bus wire format: numbers, and a cursor that reads values without ever leaving its bytes.
 *
 * Source: D-Bus Specification, "Marshaling (Wire Format)" and "Message Protocol".
 */

import { TunError, TunErrorCode } from '../errors.ts';

/** First byte of a message: its byte order, `l` or `B`. */
export const LITTLE_ENDIAN_MARK = 0x6c;
export const BIG_ENDIAN_MARK = 0x42;
/** The only major protocol version there is. */
export const PROTOCOL_VERSION = 1;

/** Fixed part: order, type, flags, version; length of the body; serial; length of the fields. */
export const FIXED_BYTES = 16;
export const TYPE_OFFSET = 1;
export const VERSION_OFFSET = 3;
export const BODY_LENGTH_OFFSET = 4;
export const SERIAL_OFFSET = 8;
export const FIELDS_LENGTH_OFFSET = 12;

/** The body, and each header field, start on multiples of this many bytes. */
export const STRUCT_ALIGNMENT = 8;

/** "The maximum length of a message, including header, header alignment padding, and body". */
export const MAX_MESSAGE_BYTES: number = 2 ** 27;
/** "Arrays have a maximum length defined to be 2 to the 26th power": the header fields are one. */
export const MAX_ARRAY_BYTES: number = 2 ** 26;

/** Types of message. Those not named here "must be ignored"; 0 is invalid. */
export const MessageType = { CALL: 1, RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;

/** Codes of header fields ("Header Fields"). 0 is invalid. */
export const Field = {
  PATH: 1,
  INTERFACE: 2,
  MEMBER: 3,
  ERROR_NAME: 4,
  REPLY_SERIAL: 5,
  DESTINATION: 6,
  SENDER: 7,
  SIGNATURE: 8,
  UNIX_FDS: 9,
} as const;

const U32_BYTES = 4;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Rounds up to a multiple of `alignment`. Exact for every u32, which bit operations are not. */
export function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Not a bus that keeps to the specification: what follows on the socket cannot be trusted. */
export function malformed(what: string): TunError {
  return new TunError(TunErrorCode.SYSCALL, `the D-Bus bus is not understood: it sent ${what}`, {
    syscall: 'read',
  });
}

/** Reads values one after the other. Every method throws TunError `SYSCALL` rather than leave. */
export class DbusReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #end: number;
  #at: number;

  /** @param message Is kept, not copied, and starts where a message starts: alignment counts from there. */
  constructor(message: Uint8Array, littleEndian: boolean, start: number, end: number) {
    this.#bytes = message;
    this.#view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    this.#littleEndian = littleEndian;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** Passes over the padding, which must be zeroes. */
  align(alignment: number): void {
    const start = this.#take(alignTo(this.#at, alignment) - this.#at);
    for (let i = start; i < this.#at; i++) {
      if (this.#bytes[i] !== 0) throw malformed(`padding that is ${this.#bytes[i]}, not 0`);
    }
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u32(): number {
    this.align(U32_BYTES);
    return this.#view.getUint32(this.#take(U32_BYTES), this.#littleEndian);
  }

  /** A string or an object path. */
  string(): string {
    return this.#text(this.u32());
  }

  signature(): string {
    return this.#text(this.u8());
  }

  /** Passes over `bytes` bytes that start on a multiple of `alignment`. */
  skip(alignment: number, bytes: number): void {
    this.align(alignment);
    this.#take(bytes);
  }

  #text(length: number): string {
    const start = this.#take(length);
    if (this.u8() !== 0) throw malformed('a string without its final zero');
    const bytes = this.#bytes.subarray(start, start + length);
    if (bytes.includes(0)) throw malformed('a string with a zero within');
    try {
      return UTF_8.decode(bytes);
    } catch {
      throw malformed('a string that is not UTF-8');
    }
  }

  /** Where the next `bytes` bytes start. */
  #take(bytes: number): number {
    const start = this.#at;
    if (bytes > this.#end - start) throw malformed(`${bytes} bytes for ${this.#end - start}`);
    this.#at = start + bytes;
    return start;
  }
}
