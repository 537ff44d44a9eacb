/** Walks a bundle packet by packet. Allocates nothing per packet. */

import {
  type BundleIndex,
  createBundleIndex,
  HOST_LITTLE_ENDIAN,
  indexBundle,
  type PaddingRule,
} from './bundle.ts';
import { isCarriedPadding } from './virtio-net.ts';

export class BundleReader {
  readonly #index: BundleIndex = createBundleIndex();
  #bytes: Uint8Array = new Uint8Array(0);
  #at = -1;
  readonly #isPadding: PaddingRule | undefined;

  /** `carried`: for bundles of an adapter with offload `carry`, with virtio-net headers in the padding. */
  constructor({ carried = false }: { readonly carried?: boolean } = {}) {
    this.#isPadding = carried ? isCarriedPadding : undefined;
  }

  /**
   * Begins at the front of a bundle, the first `length` bytes of `bytes`, after checking it whole.
   * `bytes` stays the caller's and is only read.
   *
   * @throws TunError `BUNDLE_INVALID`; the reader is then empty.
   */
  reset(bytes: Uint8Array, length: number = bytes.length): void {
    this.#bytes = bytes;
    this.#at = -1;
    indexBundle(bytes, length, this.#index, HOST_LITTLE_ENDIAN, this.#isPadding);
  }

  /** Goes to the next packet; false behind the last. */
  next(): boolean {
    if (this.#at + 1 >= this.#index.count) return false;
    this.#at++;
    return true;
  }

  /** Packets in the bundle. */
  get count(): number {
    return this.#index.count;
  }

  /** Number of the present packet, from 0; -1 before the first `next`. */
  get index(): number {
    return this.#at;
  }

  /** Offset of the present packet's first byte in the bundle. */
  get offset(): number {
    return this.#index.offsets[this.#at] ?? 0;
  }

  /** Bytes of the present packet. */
  get length(): number {
    return this.#index.lengths[this.#at] ?? 0;
  }

  /** The present packet as a view of the bundle. Makes one object. */
  packet(): Uint8Array {
    return this.#bytes.subarray(this.offset, this.offset + this.length);
  }
}
