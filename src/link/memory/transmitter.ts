/**
 * The way out of the host: what its stack (or a user) wants to send is checked as a kernel would and
 * starts on its way to the adapter.
 */

import { ENTRY_HEADER_BYTES, MAX_ENTRY_BYTES, MAX_PACKET_BYTES } from '../../limits.ts';
import { isPacket, writeEntryHeader, writeEntryTail } from '../../wire/bundle.ts';
import { ipVersion } from '../../wire/ip.ts';
import type { MemoryDevice } from './device.ts';
import type { FaultLine } from './faults.ts';
import { destinationOffset } from './headers.ts';
import { type Counting, createSendStatistics, type SendStatistics } from './statistics.ts';

/** Where a packet starts in its entry. */
export const PACKET: number = ENTRY_HEADER_BYTES;

export class Transmitter {
  readonly statistics: Counting<SendStatistics> = createSendStatistics();
  /** One entry: packets are built here, from {@link PACKET} on, and sent by {@link send}. */
  readonly buffer: Uint8Array = new Uint8Array(MAX_ENTRY_BYTES);
  readonly #line: FaultLine;
  #device: MemoryDevice | undefined;

  constructor(line: FaultLine) {
    this.#line = line;
  }

  set device(device: MemoryDevice | undefined) {
    this.#device = device;
  }

  /** Sends a copy of `packet`; see {@link sendEntry}. */
  sendPacket(packet: Uint8Array): boolean {
    if (packet.length <= MAX_PACKET_BYTES) this.buffer.set(packet, PACKET);
    return this.send(packet.length);
  }

  /** Whether a packet of `length` bytes can be built in the buffer; counts it as too big if not. */
  fits(length: number): boolean {
    if (length <= MAX_PACKET_BYTES) return true;
    this.statistics.tooBig++;
    return false;
  }

  /** Counts a packet that could not even be built: no device, or no address of its family. */
  countUnroutable(): void {
    if (this.#device === undefined || !this.#device.up) this.statistics.down++;
    else this.statistics.noRoute++;
  }

  /** Sends the packet of `length` bytes in the buffer; see {@link sendEntry}. */
  send(length: number): boolean {
    return this.sendEntry(this.buffer, 0, length);
  }

  /**
   * Sends the packet of `length` bytes in the entry at `offset`, whose header and padding are
   * written here. Returns whether it left; false when it was refused, which is counted with its
   * reason. `bytes` may be changed and is not kept. Calls no user code.
   */
  sendEntry(bytes: Uint8Array, offset: number, length: number): boolean {
    const { statistics } = this;
    const packet = offset + PACKET;
    const device = this.#device;
    if (device === undefined || !device.up) {
      statistics.down++;
      return false;
    }
    if (length > device.mtu) {
      statistics.tooBig++;
      return false;
    }
    if (!isPacket(bytes[packet]!, length)) {
      statistics.invalid++;
      return false;
    }
    const family = ipVersion(bytes, packet) === 4 ? 4 : 6;
    if (!device.addressing.reaches(bytes, destinationOffset(packet, family), family)) {
      statistics.noRoute++;
      return false;
    }
    statistics.packets++;
    statistics.octets += length;
    writeEntryHeader(bytes, offset, length);
    writeEntryTail(bytes, offset, length);
    this.#line.offer(bytes, offset, length);
    return true;
  }

  /** See `MemoryHost.inject`. */
  inject(bytes: Uint8Array): boolean {
    const device = this.#device;
    if (device === undefined) return false;
    if (device.noteUnusable(bytes)) return true;
    this.buffer.set(bytes, PACKET);
    writeEntryHeader(this.buffer, 0, bytes.length);
    writeEntryTail(this.buffer, 0, bytes.length);
    return device.enqueue(this.buffer, 0, bytes.length);
  }

  /** The far end of the line: puts an entry in front of the adapter. */
  arrive(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#device === undefined || this.#device.gone) return;
    if (!this.#device.enqueue(bytes, offset, length)) this.statistics.queueFull++;
  }
}
