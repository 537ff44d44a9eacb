/** Cuts a stream of bytes into bundles that can be written: whole entries, at most 256. */

import { TunError, TunErrorCode } from '../../index.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
} from '../../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../../wire/bundle.ts';

/** The size word that a pcapng file would begin with: the type of its first block. */
const PCAPNG_MAGIC = 0x0a0d0d0a;

/** A bundle of whole entries: a view of what was pushed. */
export interface Cut {
  readonly bytes: Uint8Array;
  readonly packets: number;
}

export class EntryCutter {
  #rest: Uint8Array = new Uint8Array();
  /** Bytes of the stream before `#rest`, for messages. */
  #offset = 0;
  /** The last entry may be followed by a block of zeros (the original's README pads so). */
  #mayPad = false;

  /**
   * The bundles that are complete with `chunk`, which is kept as long as an entry of it is not. What is wrong with a
   * packet the device says; here it is only cut.
   *
   * @throws TunError `BUNDLE_INVALID` where there is no entry, with the offset in the stream.
   */
  *push(chunk: Uint8Array): Generator<Cut, void, undefined> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    let at = 0;
    let packets = 0;
    while (at + ENTRY_HEADER_BYTES <= bytes.length) {
      const size = readSizeWord(bytes, at, HOST_LITTLE_ENDIAN);
      if (size === 0 && this.#mayPad) {
        this.#mayPad = false;
        at += ENTRY_HEADER_BYTES;
        if (packets === 0) from = at;
        continue;
      }
      if (size === 0 || size > MAX_PACKET_BYTES) throw this.#noEntry(at, size);
      if (at + entryBytes(size) > bytes.length) break;
      this.#mayPad = size % ENTRY_HEADER_BYTES === 0;
      at += entryBytes(size);
      packets++;
      if (packets === MAX_BUNDLE_PACKETS) {
        yield { bytes: bytes.subarray(from, at), packets };
        from = at;
        packets = 0;
      }
    }
    if (packets > 0) yield { bytes: bytes.subarray(from, at), packets };
    this.#rest = bytes.subarray(at);
    this.#offset += at;
  }

  /** @throws TunError `BUNDLE_INVALID` when the stream ends in the middle of an entry. */
  end(): void {
    if (this.#rest.length === 0) return;
    throw new TunError(
      TunErrorCode.BUNDLE_INVALID,
      `standard input ends in the middle of a packet: the last ${this.#rest.length} bytes, from offset ${this.#offset} on, are no whole entry; nothing of it was written`,
    );
  }

  #noEntry(at: number, size: number): TunError {
    const offset = this.#offset + at;
    return new TunError(
      TunErrorCode.BUNDLE_INVALID,
      offset === 0 && size === PCAPNG_MAGIC
        ? 'standard input is a pcapng file, and this takes bundles; write it with "typetun device write --format pcapng", or "typetun replay"'
        : `at offset ${offset} of standard input there is no entry of a bundle: its size would be ${size}; give what "typetun device read" writes, or a BundleWriter`,
    );
  }
}
