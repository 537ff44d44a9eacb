/** A device as a pair of Web streams of bundles. Convenience: each bundle is copied once. */

import { ReadableStream, WritableStream } from 'node:stream/web';
import { TunError, TunErrorCode } from '../errors.ts';
import type { Bundle } from './bundle.ts';

/** The part of a device the streams use. */
export interface StreamDevice extends AsyncIterable<Bundle> {
  read(buffer?: Uint8Array, options?: { signal?: AbortSignal }): Promise<Bundle>;
  write(bundle: Uint8Array): Promise<number>;
  createBuffer(): Uint8Array;
}

/**
 * The bundles read from `device`, each a copy. Pulls one bundle ahead. Closes when the handle does;
 * cancelling it cancels the waiting read and leaves the device open.
 */
export function bundleReadable(device: StreamDevice): ReadableStream<Uint8Array> {
  const buffer = device.createBuffer();
  const cancelled = new AbortController();
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      try {
        const bundle = await device.read(buffer, { signal: cancelled.signal });
        controller.enqueue(bundle.bytes.slice());
      } catch (error) {
        if (cancelled.signal.aborted) return;
        if (!isClosedError(error)) throw error;
        controller.close();
      }
    },
    cancel(): void {
      cancelled.abort();
    },
  });
}

/** Writes each chunk as one bundle. An invalid bundle errors the stream. The device stays open. */
export function bundleWritable(device: StreamDevice): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(bundle): Promise<void> {
      await device.write(bundle);
    },
  });
}

/** Whether an error says that the handle or its adapter was closed: the end of a stream, not a fault. */
export function isClosedError(error: unknown): boolean {
  return (
    error instanceof TunError &&
    (error.code === TunErrorCode.CANCELLED ||
      error.code === TunErrorCode.FORCED_CLOSED ||
      error.code === TunErrorCode.HANDLE_CLOSED)
  );
}
