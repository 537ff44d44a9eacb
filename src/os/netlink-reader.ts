/** Reads netlink messages (netlink-format.ts): lengths are checked once, before anything is read. */

import type { TunError } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import {
  ATTRIBUTE_HEADER_BYTES,
  ATTRIBUTE_TYPE_MASK,
  ATTRIBUTE_TYPE_OFFSET,
  align,
  MESSAGE_FLAGS_OFFSET,
  MESSAGE_HEADER_BYTES,
  MESSAGE_SEQUENCE_OFFSET,
  MESSAGE_TYPE_OFFSET,
  malformed,
  U32_BYTES,
  viewOf,
} from './netlink-format.ts';

const U64_BYTES = 8;

/**
 * One received message. The constructor checks the lengths, so that reading within `body` and
 * through {@link attributes} never leaves `bytes`.
 */
export class Message {
  /** The whole message, header included, padding not. */
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly littleEndian: boolean;
  readonly #view: DataView;

  /**
   * @param bytes Is kept, not copied. May be longer than the message.
   * @throws TunError `SYSCALL` when the header's length does not fit in `bytes`.
   */
  constructor(bytes: Uint8Array, littleEndian: boolean = HOST_LITTLE_ENDIAN) {
    const available = bytes.byteLength;
    const view = viewOf(bytes);
    const length = available < MESSAGE_HEADER_BYTES ? 0 : view.getUint32(0, littleEndian);
    if (length < MESSAGE_HEADER_BYTES || length > available) {
      throw malformed(`a message of ${length} bytes in ${available}`);
    }
    this.bytes = bytes.subarray(0, length);
    this.type = view.getUint16(MESSAGE_TYPE_OFFSET, littleEndian);
    this.flags = view.getUint16(MESSAGE_FLAGS_OFFSET, littleEndian);
    this.sequence = view.getUint32(MESSAGE_SEQUENCE_OFFSET, littleEndian);
    this.littleEndian = littleEndian;
    this.#view = viewOf(this.bytes);
  }

  /** @throws TunError `SYSCALL` when the message has less than `bytes` of body. */
  checkBody(bytes: number): void {
    if (this.bytes.byteLength >= MESSAGE_HEADER_BYTES + bytes) return;
    throw malformed(`a message of type ${this.type} with ${this.bytes.byteLength} bytes`);
  }

  /** One byte of the body; call {@link checkBody} first. */
  u8(offset: number): number {
    return this.#view.getUint8(MESSAGE_HEADER_BYTES + offset);
  }

  /** Four bytes of the body, unsigned; call {@link checkBody} first. */
  u32(offset: number): number {
    return this.#view.getUint32(MESSAGE_HEADER_BYTES + offset, this.littleEndian);
  }

  /**
   * The attributes behind a body of `bodyBytes`, by type; of a type that occurs twice the last.
   *
   * @throws TunError `SYSCALL` when the body or an attribute does not fit.
   */
  attributes(bodyBytes: number): Attributes {
    this.checkBody(bodyBytes);
    const start = Math.min(align(MESSAGE_HEADER_BYTES + bodyBytes), this.bytes.byteLength);
    return new Attributes(this.bytes.subarray(start), this.littleEndian);
  }
}

/** Attributes by type. All getters return undefined for one that is not there. */
export class Attributes {
  readonly #byType = new Map<number, DataView>();
  readonly #littleEndian: boolean;

  /** @throws TunError `SYSCALL` when an attribute does not fit in `bytes`. */
  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.#littleEndian = littleEndian;
    const view = viewOf(bytes);
    const end = bytes.byteLength;
    for (let at = 0; end - at >= ATTRIBUTE_HEADER_BYTES; ) {
      const length = view.getUint16(at, littleEndian);
      if (length < ATTRIBUTE_HEADER_BYTES || length > end - at) {
        throw malformed(`an attribute of ${length} bytes in ${end - at}`);
      }
      const type = view.getUint16(at + ATTRIBUTE_TYPE_OFFSET, littleEndian) & ATTRIBUTE_TYPE_MASK;
      const payload = bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length);
      this.#byType.set(type, viewOf(payload));
      at += align(length);
    }
  }

  /** The payload, a view. With `length` given, refuses one of another length. */
  bytes(type: number, length?: number): Uint8Array | undefined {
    const payload = this.#byType.get(type);
    if (payload === undefined) return undefined;
    if (length !== undefined && payload.byteLength !== length) throw wrongPayload(type, payload);
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  u8(type: number): number | undefined {
    return this.#atLeast(type, 0, 1)?.getUint8(0);
  }

  /** Four bytes at `offset` of the payload, unsigned. */
  u32(type: number, offset = 0): number | undefined {
    const payload = this.#atLeast(type, offset, U32_BYTES);
    return payload?.getUint32(offset, this.#littleEndian);
  }

  /** Eight bytes at `offset` of the payload, exact up to 2^53. */
  u64(type: number, offset: number): number | undefined {
    const payload = this.#atLeast(type, offset, U64_BYTES);
    return payload && Number(payload.getBigUint64(offset, this.#littleEndian));
  }

  /** A text up to its terminating zero or the payload's end. */
  text(type: number): string | undefined {
    const payload = this.bytes(type);
    if (payload === undefined) return undefined;
    const end = payload.indexOf(0);
    return new TextDecoder().decode(end < 0 ? payload : payload.subarray(0, end));
  }

  nested(type: number): Attributes | undefined {
    const payload = this.bytes(type);
    return payload && new Attributes(payload, this.#littleEndian);
  }

  #atLeast(type: number, offset: number, bytes: number): DataView | undefined {
    const payload = this.#byType.get(type);
    if (payload !== undefined && payload.byteLength < offset + bytes) {
      throw wrongPayload(type, payload);
    }
    return payload;
  }
}

/**
 * Splits a datagram into its messages, which are views into it.
 *
 * @throws TunError `SYSCALL` when a message does not fit.
 */
export function splitMessages(
  datagram: Uint8Array,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < datagram.byteLength; ) {
    const message = new Message(datagram.subarray(at), littleEndian);
    messages.push(message);
    at += align(message.bytes.byteLength);
  }
  return messages;
}

function wrongPayload(type: number, payload: DataView): TunError {
  return malformed(`an attribute of type ${type} with ${payload.byteLength} bytes`);
}
