/** Frames out of what a socket gives, in memory that grows with what has arrived and not with what was announced. */

import {
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type PayloadLimits,
  readFrameHeader,
} from './device-protocol.ts';

/** Bytes that a reader begins with: some frames of a usual size. */
const FIRST_BYTES = 65_536;
const GROWTH = 2;

export class FrameReader {
  readonly #limits: PayloadLimits;
  #bytes = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;
  /** The header at `#start`, once it is there. */
  #header: FrameHeader | undefined;

  constructor(limits: PayloadLimits) {
    this.#limits = limits;
  }

  /** Whether a frame has begun and is not complete. */
  get isPartial(): boolean {
    return this.#end > this.#start;
  }

  /** Adds what has arrived; it is copied. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next complete frame, undefined when there is none. Its payload is `payload()` until the next call.
   *
   * @throws TunError `PROTOCOL` as soon as a header is wrong; nothing more is to be made of the stream then.
   */
  next(): FrameHeader | undefined {
    const there = this.#end - this.#start;
    if (this.#header === undefined && there >= FRAME_HEADER_BYTES) {
      this.#header = readFrameHeader(this.#bytes, this.#start, this.#limits);
    }
    const header = this.#header;
    if (header === undefined || there < FRAME_HEADER_BYTES + header.payloadBytes) return undefined;
    this.#header = undefined;
    this.#start += FRAME_HEADER_BYTES + header.payloadBytes;
    return header;
  }

  /** The payload of the frame that {@link next} has just given: a view, valid until more is pushed. */
  payload({ payloadBytes }: FrameHeader): Uint8Array {
    return this.#bytes.subarray(this.#start - payloadBytes, this.#start);
  }

  #makeRoom(more: number): void {
    const held = this.#end - this.#start;
    let size = this.#bytes.length;
    while (size < held + more) size *= GROWTH;
    const bytes = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
    if (bytes === this.#bytes) bytes.copyWithin(0, this.#start, this.#end);
    else bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = held;
  }
}
