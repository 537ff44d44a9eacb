/** What runs in the worker threads of a group (group.ts): functions of bundles, or of packets. */

import type { Bundle } from '../adapter/bundle.ts';
import type { Device } from '../adapter/device.ts';
import { ENTRY_HEADER_BYTES, entryBytes, MAX_BUNDLE_PACKETS } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';

/** What a worker thread works with. */
export interface WorkerContext {
  /** One handle for each adapter of the group, in their order. They are read by the group. */
  readonly devices: readonly Device[];
  /** This thread's number, from 0. */
  readonly index: number;
  /** Threads in the group. */
  readonly workers: number;
  /** What `startWorkers` was given, as `postMessage` copies it. */
  readonly data: unknown;
}

/**
 * Called with each bundle that was read from adapter number `from`. The bundle is valid until it
 * returns, or until its promise settles; the next bundle of that adapter is read after that.
 */
export type BundleHandler = (bundle: Bundle, from: number) => void | Promise<void>;

/** What a module that `startWorkers` runs exports as `main`: called once in each thread. */
export type WorkerMain = (context: WorkerContext) => BundleHandler | Promise<BundleHandler>;

/**
 * Decides about the packet of `size` bytes at `offset` of `bytes`, which it may change in place: the
 * number of the adapter to write it to, or a negative number to drop it. The bytes are valid until it
 * returns.
 */
export type PacketFunction = (
  bytes: Uint8Array,
  offset: number,
  size: number,
  from: number,
) => number;

/** A handler that passes every bundle on: of two adapters, to the other; of one, back to it. */
export function forwardBundles({ devices }: WorkerContext): BundleHandler {
  return (bundle, from) => {
    devices[devices.length - 1 - from]!.writeSync(bundle);
  };
}

/**
 * A handler that asks `decide` about each packet of a bundle, and writes what it keeps, in order. A
 * bundle that goes to one adapter, whole or in part, is not copied. Allocates nothing per packet. What is
 * dropped is counted nowhere but by `decide`.
 *
 * @throws RangeError, from the handler, when `decide` returns a number that no adapter has; nothing of
 * the bundle is written then.
 */
export function eachPacket({ devices }: WorkerContext, decide: PacketFunction): BundleHandler {
  const targets = new Int32Array(MAX_BUNDLE_PACKETS);
  const wanted = new Uint8Array(devices.length);
  let scratch: Uint8Array = new Uint8Array(0);
  return (bundle, from) => {
    const { bytes, count } = bundle;
    wanted.fill(0);
    let last = -1;
    for (let i = 0, offset = 0; i < count; i++) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      const to = decide(bytes, offset + ENTRY_HEADER_BYTES, size, from);
      if (!(Number.isInteger(to) && to < devices.length)) throw noSuchDevice(to, devices.length);
      targets[i] = Math.max(to, -1);
      if (to >= 0) wanted[to] = 1;
      last = Math.max(last, to);
      offset += entryBytes(size);
    }
    for (let to = 0; to <= last; to++) {
      if (wanted[to] === 0) continue;
      const device = devices[to]!;
      let part = bytes;
      if (to !== last) {
        if (scratch.length < bytes.length) {
          scratch = device.createBuffer(Math.max(bytes.length, device.bundleBytes));
        }
        scratch.set(bytes);
        part = scratch;
      }
      const length = keepOnly(part, count, targets, to);
      if (length === bytes.length) device.writeSync(bundle);
      else device.writeSync(part.subarray(0, length));
    }
  };
}

/** Moves the entries of a bundle that go to one adapter to its beginning; returns their bytes. */
function keepOnly(bytes: Uint8Array, count: number, targets: Int32Array, to: number): number {
  let length = 0;
  for (let i = 0, offset = 0; i < count; i++) {
    const entry = entryBytes(readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN));
    if (targets[i] === to) {
      if (length !== offset) bytes.copyWithin(length, offset, offset + entry);
      length += entry;
    }
    offset += entry;
  }
  return length;
}

function noSuchDevice(to: number, devices: number): RangeError {
  return new RangeError(
    `the packet function returned ${String(to)}; give the number of an adapter, 0 to ${devices - 1}, or a negative one to drop the packet`,
  );
}
