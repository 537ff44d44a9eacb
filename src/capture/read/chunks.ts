/** The bytes of a file that comes piece by piece, of which so much is kept as is not read yet. */

import { TunError, TunErrorCode } from '../../errors.ts';

/** What is kept at first. */
const INITIAL_BYTES = 0x20000;

export class Chunks {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  #read = 0;

  /** Bytes that are there. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Offset in the file of the first byte that is there: for messages. */
  get offset(): number {
    return this.#read;
  }

  /** Adds a copy of `chunk`. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Forgets the first `bytes`, which are there. */
  drop(bytes: number): void {
    this.#start += bytes;
    this.#read += bytes;
  }

  /** A word of 32 bits at `at`, which is there. */
  uint32(at: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#start + at, littleEndian);
  }

  uint16(at: number, littleEndian: boolean): number {
    return this.#view.getUint16(this.#start + at, littleEndian);
  }

  uint8(at: number): number {
    return this.#view.getUint8(this.#start + at);
  }

  /** A copy of what is there from `from` to `to`. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.slice(this.#start + from, this.#start + to);
  }

  #makeRoom(more: number): void {
    const { length } = this;
    let room = this.#bytes.length;
    while (room < length + more) room *= 2;
    const bytes = room === this.#bytes.length ? this.#bytes : new Uint8Array(room);
    if (bytes === this.#bytes) bytes.copyWithin(0, this.#start, this.#end);
    else bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#start = 0;
    this.#end = length;
  }
}

/** The error for what is wrong with a capture file, at that offset. */
export function broken(offset: number, problem: string): TunError {
  return new TunError(
    TunErrorCode.CAPTURE_INVALID,
    `not a capture file that can be read: at offset ${offset} ${problem}`,
  );
}
