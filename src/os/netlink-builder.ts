/** Builds netlink messages (netlink-format.ts). */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import {
  ATTRIBUTE_HEADER_BYTES,
  ATTRIBUTE_TYPE_OFFSET,
  align,
  MESSAGE_FLAGS_OFFSET,
  MESSAGE_HEADER_BYTES,
  MESSAGE_SEQUENCE_OFFSET,
  MESSAGE_TYPE_OFFSET,
  NESTED,
  U32_BYTES,
  viewOf,
} from './netlink-format.ts';

/**
 * Builds one message. `bodyBytes` is the length of the family's fixed body, all zero until set.
 * The sequence number and the port stay 0: the socket sets the one, the kernel knows the other.
 */
export class MessageBuilder {
  readonly #littleEndian: boolean;
  readonly #bodyBytes: number;
  readonly #attributes: Uint8Array[] = [];
  readonly #header: DataView<ArrayBuffer>;

  /** @param littleEndian The order of the host that reads it; only tests set it. */
  constructor(
    type: number,
    flags: number,
    bodyBytes: number,
    littleEndian: boolean = HOST_LITTLE_ENDIAN,
  ) {
    this.#littleEndian = littleEndian;
    this.#bodyBytes = bodyBytes;
    this.#header = new DataView(new ArrayBuffer(MESSAGE_HEADER_BYTES + bodyBytes));
    this.#header.setUint16(MESSAGE_TYPE_OFFSET, type, littleEndian);
    this.#header.setUint16(MESSAGE_FLAGS_OFFSET, flags, littleEndian);
  }

  /** Sets one byte of the body; `offset` is from the body's start. */
  u8(offset: number, value: number): this {
    this.#header.setUint8(this.#bodyOffset(offset, 1), value);
    return this;
  }

  /** Sets four bytes of the body. */
  u32(offset: number, value: number): this {
    this.#header.setUint32(this.#bodyOffset(offset, U32_BYTES), value, this.#littleEndian);
    return this;
  }

  /** Appends an attribute; `payload` is copied. */
  attribute(type: number, payload: Uint8Array): this {
    const length = ATTRIBUTE_HEADER_BYTES + payload.byteLength;
    const bytes = new Uint8Array(align(length));
    const view = new DataView(bytes.buffer);
    view.setUint16(0, length, this.#littleEndian);
    view.setUint16(ATTRIBUTE_TYPE_OFFSET, type, this.#littleEndian);
    bytes.set(payload, ATTRIBUTE_HEADER_BYTES);
    this.#attributes.push(bytes);
    return this;
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  attributeU32(type: number, value: number): this {
    const payload = new DataView(new ArrayBuffer(U32_BYTES));
    payload.setUint32(0, value, this.#littleEndian);
    return this.attribute(type, new Uint8Array(payload.buffer));
  }

  /** Appends a text with its terminating zero. ASCII only. */
  attributeText(type: number, text: string): this {
    return this.attribute(type, new TextEncoder().encode(`${text}\0`));
  }

  /** Appends an attribute whose payload is the attributes that `fill` appends. */
  nested(type: number, fill: (inner: this) => void): this {
    const outer = this.#attributes.splice(0);
    fill(this);
    const payload = concatenate(this.#attributes);
    this.#attributes.splice(0, this.#attributes.length, ...outer);
    return this.attribute(type | NESTED, payload);
  }

  /** The message, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const header = new Uint8Array(align(this.#header.byteLength));
    header.set(new Uint8Array(this.#header.buffer));
    const message = concatenate([header, ...this.#attributes]);
    new DataView(message.buffer).setUint32(0, message.byteLength, this.#littleEndian);
    return message;
  }

  #bodyOffset(offset: number, bytes: number): number {
    if (offset + bytes > this.#bodyBytes) throw new RangeError(`offset ${offset} is past the body`);
    return MESSAGE_HEADER_BYTES + offset;
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Sets the sequence number of a message that {@link MessageBuilder} made. */
export function setSequence(
  message: Uint8Array,
  sequence: number,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): void {
  viewOf(message).setUint32(MESSAGE_SEQUENCE_OFFSET, sequence, littleEndian);
}
