/** How packets pass between a kernel TUN device and bundles: one by one, split and merged, or carried. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { Errno, libc } from '../../os/libc.ts';
import type { WriteRing } from '../../os/write-ring.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import type { GiveResult, TakeResult } from '../link.ts';

/** Fewer writes than this are not worth a submission of a ring. */
export const LEAST_AT_ONCE = 4;

/** What a path needs of the device. */
export interface PathDevice {
  /** The descriptor of the present call's queue. */
  readonly fd: number;
  /** Bytes of the largest ordinary packet; may change at any time. */
  readonly mtu: number;
  /** Where several packets are written at once, if they are. */
  readonly ring: WriteRing | undefined;
}

/** `createBuffer`, `take` and `give` as in the link contract (link.ts), of a device that is not closed. */
export interface Path {
  /** Packets that may wait in one place of the kernel's queue, as `hostQueueLength` counts them. */
  readonly packetsPerRead: number;
  /** See `Link.remainder`. */
  readonly remainder: Uint8Array;
  createBuffer(bytes: number): Uint8Array;
  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number;
  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number;
}

/**
 * Whether an error, that of the last system call if it is not given, means that the device was removed
 * (`ip link del`), not just that it is down.
 */
export function isGone(errno: number = libc().errno()): boolean {
  return errno === Errno.EBADFD || errno === Errno.EBADF || errno === Errno.ENODEV;
}

/**
 * Packets taken, those included that were discarded: what bounds a take, so that a flood of what nobody can
 * read does not keep it going.
 */
export function takenOf({ packets, oversize, unreadable }: TakeResult): number {
  return packets + oversize + unreadable;
}

/** The rest of the bundle, from packet `from` on, is refused. */
export function refuseRest(index: BundleIndex, from: number, result: GiveResult): void {
  result.refused += index.count - from;
  index.lengths.fill(0, from, index.count);
}

export function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
