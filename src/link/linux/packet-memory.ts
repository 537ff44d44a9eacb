/**
 * Raw addresses for the packet path, and the area for a packet that turns out longer than the room
 * left in a bundle. The only place of the link that hands addresses of JavaScript memory to the
 * kernel; every buffer whose address is in use is referenced by the caller's argument or from here.
 */

import { ENTRY_HEADER_BYTES, entryBytes } from '../../limits.ts';
import { Address, addressOf } from '../../os/address.ts';
import { libc } from '../../os/libc.ts';
import type { WriteRing } from '../../os/write-ring.ts';
import { HOST_LITTLE_ENDIAN, writeEntryHeader, writeEntryTail } from '../../wire/bundle.ts';
import { bufferOf, offsetOf } from '../../wire/view.ts';

/** Largest packet a TUN can hand over: the IPv4 total length field's 65,535 bytes, rounded up. */
const LARGEST_HOST_PACKET_BYTES = 65_536;

/** `struct iovec` on a 64-bit host: address and length, 8 bytes each. */
const IOVECS = 2;
const IOVEC_WORDS = 4;
const IOVEC_LENGTH_WORD = 2;
/** Where the low and the high half of a 64-bit word lie. */
const LOW: number = HOST_LITTLE_ENDIAN ? 0 : 1;
const HIGH: number = 1 - LOW;
const TWO_TO_32 = 2 ** 32;

/** Of a buffer without memory: nothing may be done there, and nothing is. */
const NOWHERE = new Address(0);

export class PacketMemory {
  readonly #addresses = new WeakMap<ArrayBufferLike, Address>();
  /** The last one located; held weakly would cost more than it is worth: one buffer for each link. */
  #lastView: Uint8Array | undefined;
  #address = NOWHERE;
  #offset = 0;
  readonly #iovecs = new Uint32Array(IOVECS * IOVEC_WORDS);
  #iovecAddress: Address | undefined;
  #overflow: Uint8Array | undefined;
  #overflowAddress: number | undefined;

  /** The entry kept by {@link keepOverflow}; made at first use. */
  get overflow(): Uint8Array {
    this.#overflow ??= new Uint8Array(entryBytes(LARGEST_HOST_PACKET_BYTES));
    return this.#overflow;
  }

  /**
   * Where the first byte of `bytes` lies in its array buffer, and where that lies. Looked up once for
   * each array buffer, whose memory does not move, and, as the getters of a view are slow, not at all
   * for the same view again. Valid until the next call. The caller checks the length before each use, by
   * `lengthOf`: a detached view has none.
   */
  locate(bytes: Uint8Array): this {
    if (bytes === this.#lastView) return this;
    this.#lastView = bytes;
    this.#offset = offsetOf(bytes);
    this.#address = this.#addressOf(bufferOf(bytes));
    return this;
  }

  /** The address of byte `offset` of what was located; allocates nothing (os/address.ts). */
  at(offset: number): number {
    return this.#address.at(this.#offset + offset);
  }

  /** Adds the write of `bytes` bytes at byte `offset` of what was located to the ring's next submission. */
  putWrite(ring: WriteRing, fd: number, offset: number, bytes: number): void {
    ring.put(fd, this.#address, this.#offset + offset, bytes);
  }

  /**
   * Reads one packet, with what is in front of it, into the `room` bytes at `address`, and what does
   * not fit into the overflow area. Returns its whole length, or what `readv` returns.
   */
  readSplit(fd: number, address: number, room: number): number {
    this.#overflowAddress ??= addressOf(this.overflow) + ENTRY_HEADER_BYTES;
    this.#iovecAddress ??= new Address(addressOf(this.#iovecs));
    this.#setIovec(0, address, room);
    this.#setIovec(1, this.#overflowAddress, this.overflow.byteLength - ENTRY_HEADER_BYTES);
    return libc().readv(fd, this.#iovecAddress.at(0), IOVECS);
  }

  /**
   * Makes the overflow area one entry of the packet of `length` bytes whose first `room` bytes lie
   * at `packet` of `bytes`, behind a virtio-net header of `header` bytes, and whose rest
   * {@link readSplit} left here.
   */
  keepOverflow(
    bytes: Uint8Array,
    packet: number,
    room: number,
    length: number,
    header: number,
  ): void {
    const overflow = this.overflow;
    const inBundle = Math.min(room, length);
    overflow.copyWithin(
      ENTRY_HEADER_BYTES + inBundle,
      ENTRY_HEADER_BYTES,
      ENTRY_HEADER_BYTES + length - inBundle,
    );
    writeEntryHeader(overflow, 0, length);
    overflow.set(bytes.subarray(packet - header, packet + inBundle), ENTRY_HEADER_BYTES - header);
    writeEntryTail(overflow, 0, length);
  }

  #addressOf(buffer: ArrayBufferLike): Address {
    if (buffer.byteLength === 0) return NOWHERE;
    let address = this.#addresses.get(buffer);
    if (address === undefined) {
      address = new Address(addressOf(new Uint8Array(buffer)));
      this.#addresses.set(buffer, address);
    }
    return address;
  }

  #setIovec(which: number, address: number, length: number): void {
    const word = which * IOVEC_WORDS;
    this.#iovecs[word + LOW] = address % TWO_TO_32;
    this.#iovecs[word + HIGH] = Math.floor(address / TWO_TO_32);
    this.#iovecs[word + IOVEC_LENGTH_WORD + LOW] = length;
    this.#iovecs[word + IOVEC_LENGTH_WORD + HIGH] = 0;
  }
}
