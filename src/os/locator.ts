/**
 * Addresses of the bytes of a caller's buffer, for calls that move packets: what `Address` is to one
 * piece of memory, for views of any.
 */

import { bufferOf, offsetOf } from '../wire/view.ts';
import { Address, addressOf } from './address.ts';

/** Of a buffer without memory: nothing may be done there, and nothing is. */
const NOWHERE = new Address(0);

export class Locator {
  readonly #addresses = new WeakMap<ArrayBufferLike, Address>();
  /** The last one located; held weakly would cost more than it is worth. */
  #lastView: Uint8Array | undefined;
  #address = NOWHERE;
  #offset = 0;

  /**
   * Looks up where `bytes` lies: once for each array buffer, whose memory does not move, and not at
   * all for the same view again. Valid until the next call. The caller checks the length before each
   * use, by `lengthOf`: a detached view has none.
   */
  locate(bytes: Uint8Array): this {
    if (bytes === this.#lastView) return this;
    this.#lastView = bytes;
    this.#offset = offsetOf(bytes);
    this.#address = this.#addressOf(bufferOf(bytes));
    return this;
  }

  /** The address of byte `offset` of what was located. */
  at(offset: number): number {
    return this.#address.at(this.#offset + offset);
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
}
