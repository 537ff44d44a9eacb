/**
 * Cuts the byte stream of a D-Bus connection into messages. The memory it needs is taken once: a
 * message that does not fit is passed over byte by byte, since any user of the bus may send us one
 * of 128 MiB, and none we wait for is long.
 */

import { FIXED_BYTES } from './dbus-format.ts';
import { messageLength } from './dbus-message.ts';

/** Bytes of the longest message kept. Those of interest have about 200. */
export const MAX_KEPT_BYTES = 4096;

export class DbusFramer {
  readonly #message = new Uint8Array(MAX_KEPT_BYTES);
  /** Bytes of the message at hand that are there, that are known to belong to it, that are left out. */
  #have = 0;
  #need: number = FIXED_BYTES;
  #skip = 0;

  /**
   * Takes what arrived, and hands over each message that is complete: a view, valid during the call.
   *
   * @throws TunError `SYSCALL` when the stream is not one of messages; it is lost then. Also what
   * `onMessage` throws.
   */
  push(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.byteLength - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const taken = Math.min(this.#need - this.#have, chunk.byteLength - at);
      this.#message.set(chunk.subarray(at, at + taken), this.#have);
      this.#have += taken;
      at += taken;
      if (this.#have === FIXED_BYTES) this.#start();
      if (this.#have === this.#need) {
        this.#have = 0;
        const length = this.#need;
        this.#need = FIXED_BYTES;
        onMessage(this.#message.subarray(0, length));
      }
    }
  }

  #start(): void {
    const length = messageLength(this.#message);
    if (length <= MAX_KEPT_BYTES) {
      this.#need = length;
      return;
    }
    this.#skip = length - FIXED_BYTES;
    this.#have = 0;
  }
}
