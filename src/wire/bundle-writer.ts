/** Builds a bundle, packet by packet, in one buffer. Allocates nothing per packet. */

import { CopyArea, copyBytes } from '../copy.ts';
import { TunError, TunErrorCode } from '../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_PACKETS,
  MAX_ENTRY_BYTES,
  MAX_PACKET_BYTES,
} from '../limits.ts';
import { isPacket, writeEntryHeader, writeEntryTail } from './bundle.ts';

export class BundleWriter {
  #bytes: Uint8Array;
  #target: CopyArea;
  /** Where the last packet came from: most programs append from one buffer again and again. */
  #source: CopyArea;
  #length = 0;
  #count = 0;

  /** Writes into `bytes`, which stays the caller's; without it, into a buffer for one largest packet. */
  constructor(bytes: Uint8Array = new Uint8Array(MAX_ENTRY_BYTES)) {
    this.#bytes = bytes;
    this.#target = new CopyArea(bytes);
    this.#source = this.#target;
  }

  /** Bytes used. */
  get length(): number {
    return this.#length;
  }

  /** Packets appended. */
  get count(): number {
    return this.#count;
  }

  /** The whole buffer. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Starts an empty bundle, in `bytes` if given. */
  reset(bytes: Uint8Array = this.#bytes): void {
    this.#bytes = bytes;
    this.#length = 0;
    this.#count = 0;
  }

  /**
   * Appends a copy of the packet of `length` bytes at `offset` of `packet`. Returns false, with
   * nothing changed, when it does not fit: write out what is there, reset, and append again.
   *
   * @throws TunError `PACKET_INVALID` when it is no packet a bundle can carry.
   */
  append(packet: Uint8Array, offset = 0, length: number = packet.length - offset): boolean {
    if (
      offset < 0 ||
      offset + length > packet.length ||
      !Number.isInteger(length) ||
      !isPacket(packet[offset] ?? 0, length)
    ) {
      throw notAPacket(packet, offset, length);
    }
    const at = this.#length;
    if (this.#count >= MAX_BUNDLE_PACKETS || at + entryBytes(length) > this.#bytes.length) {
      return false;
    }
    writeEntryHeader(this.#bytes, at, length);
    const target = at + ENTRY_HEADER_BYTES;
    if (length === packet.length) this.#bytes.set(packet, target);
    else this.#copy(packet, offset, target, length);
    this.#length = writeEntryTail(this.#bytes, at, length);
    this.#count++;
    return true;
  }

  /** A part of a buffer, without a view of that part. */
  #copy(packet: Uint8Array, offset: number, target: number, length: number): void {
    if (!this.#source.matches(packet)) this.#source = new CopyArea(packet);
    // A resizable buffer may have grown since the area was made; its new part would not be written.
    if (!this.#target.matches(this.#bytes)) this.#target = new CopyArea(this.#bytes);
    copyBytes(this.#source, offset, this.#target, target, length);
  }

  /** The bundle so far: a view of the buffer. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

function notAPacket(packet: Uint8Array, offset: number, length: number): TunError {
  return new TunError(
    TunErrorCode.PACKET_INVALID,
    `the ${length} bytes at offset ${offset} of ${packet.length} are no IPv4 packet of 20 bytes or more and no IPv6 packet of 40 or more, up to ${MAX_PACKET_BYTES}; append one whole packet that starts with its IP header`,
  );
}
