/** The reads of one client, answered first in, first out. */

import type { Socket } from 'node:net';
import type { Device } from '../index.ts';
import { MAX_BUNDLE_BYTES, MIN_READ_BUFFER_BYTES } from '../limits.ts';
import {
  FRAME_HEADER_BYTES,
  type FrameHeader,
  FrameType,
  MAX_WAITING_READS,
  protocolError,
  writeFrameHeader,
} from './device-protocol.ts';

export class ReadAnswers {
  /** Bundles and packets that were sent, or are on their way. */
  bundles = 0;
  packets = 0;
  /** Bytes of the bundle on its way; 0 when there is none. */
  sending = 0;
  readonly #socket: Socket;
  readonly #device: Device;
  readonly #onError: (error: unknown) => void;
  readonly #reads: { readonly tag: number; readonly room: number }[] = [];
  #buffer: Uint8Array | undefined;

  /** `onError` is told once when a read or the socket fails; not of reads that were stopped. */
  constructor(socket: Socket, device: Device, onError: (error: unknown) => void) {
    this.#socket = socket;
    this.#device = device;
    this.#onError = onError;
  }

  /** Reads that are not answered. */
  get waiting(): number {
    return this.#reads.length;
  }

  /**
   * Takes a READ.
   *
   * @throws TunError `PROTOCOL` for too little room, or when too many wait.
   */
  push({ tag, value }: FrameHeader): void {
    if (value !== 0 && value < MIN_READ_BUFFER_BYTES) {
      throw protocolError(
        `a READ has room for ${value} bytes; it takes ${MIN_READ_BUFFER_BYTES}, so that a packet of any size fits, or 0`,
      );
    }
    if (this.#reads.length === MAX_WAITING_READS) {
      throw protocolError(`more than ${MAX_WAITING_READS} READs wait`);
    }
    this.#reads.push({ tag, room: value === 0 ? MAX_BUNDLE_BYTES : value });
    if (this.#reads.length === 1) this.#answer().catch(this.#onError);
  }

  /** Answers no more; the device is to be closed. */
  stop(): void {
    this.#reads.length = 0;
  }

  /** Answers until no read waits. The next packets are taken when the socket has taken the last. */
  async #answer(): Promise<void> {
    for (;;) {
      const read = this.#reads[0];
      if (read === undefined) return;
      const frame = this.#room();
      const most = Math.min(FRAME_HEADER_BYTES + read.room, frame.length);
      const bundle = await this.#device.read(frame.subarray(FRAME_HEADER_BYTES, most));
      writeFrameHeader(frame, FrameType.BUNDLE, read.tag, bundle.count, bundle.byteLength);
      this.bundles++;
      this.packets += bundle.count;
      await this.#send(frame.subarray(0, FRAME_HEADER_BYTES + bundle.byteLength));
      this.#reads.shift();
    }
  }

  /** The one buffer, which grows with the MTU. */
  #room(): Uint8Array {
    const bytes = Math.min(FRAME_HEADER_BYTES + this.#device.bundleBytes, MAX_BUNDLE_BYTES);
    const buffer = this.#buffer;
    if (buffer !== undefined && buffer.length >= bytes) return buffer;
    const larger = this.#device.createBuffer(bytes);
    this.#buffer = larger;
    return larger;
  }

  #send(frame: Uint8Array): Promise<void> {
    this.sending = frame.length;
    return new Promise((resolve, reject) => {
      this.#socket.write(frame, (error) => {
        this.sending = 0;
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
