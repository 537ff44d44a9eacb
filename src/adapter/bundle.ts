/** What a read gives: one bundle of packets, in order, with its place in the adapter's sequence. */

import { ENTRY_HEADER_BYTES, entryBytes } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';

export class Bundle {
  /**
   * The entries, in the layout of `wire/bundle.ts`: a view of the buffer that was read into. From
   * `device.read(buffer)` it is valid as long as the program leaves that buffer alone; from
   * `for await` until the next step of the loop. Made when it is first asked for. To pass a bundle to
   * another thread, post this (it is copied), not the bundle.
   *
   * @throws TypeError when the buffer was transferred before.
   */
  get bytes(): Uint8Array {
    this.#bytes ??= this.readBuffer.subarray(0, this.byteLength);
    return this.#bytes;
  }

  /**
   * The buffer that was read into, or its beginning where it is larger than a bundle can be; the bundle
   * is its first {@link byteLength} bytes.
   */
  readonly readBuffer: Uint8Array;
  /** Bytes of all entries, headers and padding included. */
  readonly byteLength: number;
  /** Packets, 1 to 256. */
  readonly count: number;
  /**
   * Number of the first packet among all that this adapter has given to readers out of one hardware
   * queue; the others follow it without a gap. Orders bundles that several readers took from it.
   */
  readonly sequence: number;

  #bytes: Uint8Array | undefined;

  /** @internal */
  constructor(readBuffer: Uint8Array, byteLength: number, count: number, sequence: number) {
    this.readBuffer = readBuffer;
    this.byteLength = byteLength;
    this.count = count;
    this.sequence = sequence;
  }

  /**
   * The packets as views into {@link bytes}: writing to one changes the bundle, and they are valid
   * as long as it is. Makes one object per packet; `BundleReader` makes none.
   */
  *[Symbol.iterator](): IterableIterator<Uint8Array> {
    let offset = 0;
    for (let i = 0; i < this.count; i++) {
      const size = readSizeWord(this.bytes, offset, HOST_LITTLE_ENDIAN);
      const packet = offset + ENTRY_HEADER_BYTES;
      yield this.bytes.subarray(packet, packet + size);
      offset += entryBytes(size);
    }
  }
}
