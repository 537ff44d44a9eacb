/** Bundles from a device to a sink, and from a stream to a device. */

import type { Readable } from 'node:stream';
import { BundleReader, readBundles } from '../../index.ts';
import { ENTRY_HEADER_BYTES, entryBytes } from '../../limits.ts';
import { type Cut, EntryCutter } from './entry-cutter.ts';
import type { Handle } from './handle.ts';
import type { Sink } from './sink.ts';
import type { Passed, Written } from './tally.ts';

/** Until the device ends, or `most` packets have passed: of the last bundle as many as are missing. */
export async function copyBundles(
  handle: Handle,
  sink: Sink,
  passed: Passed,
  most: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const reader = new BundleReader();
  for await (const bundle of handle.bundles) {
    const left = most - passed.packets;
    const packets = count(reader, bundle, left);
    const bytes = packets.count === left ? bundle.subarray(0, packets.bytes) : bundle;
    await sink.put(bytes);
    passed.bundles++;
    passed.packets += packets.count;
    passed.bytes += bytes.length;
    if (passed.packets >= most) return;
  }
}

/** Packets of a bundle, at most `most`, and the bytes of their entries. */
function count(
  reader: BundleReader,
  bundle: Uint8Array,
  most: number,
): { readonly count: number; readonly bytes: number } {
  reader.reset(bundle);
  if (reader.count < most) return { count: reader.count, bytes: bundle.length };
  for (let i = 0; i < most; i++) reader.next();
  const entry = reader.offset - ENTRY_HEADER_BYTES;
  return { count: most, bytes: entry + entryBytes(reader.length) };
}

/**
 * Until the stream ends or `signal` aborts, whose reason is thrown then. Entries of bundles, or with `pcapng` the
 * packets of a capture file.
 */
export async function copyStream(
  stream: Readable,
  format: 'bundles' | 'pcapng',
  handle: Handle,
  written: Written,
  signal: AbortSignal,
): Promise<void> {
  // A stream that is destroyed ends the loop; standard input is nobody else's.
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const cuts = format === 'bundles' ? cutEntries(stream) : readPackets(stream, written);
    for await (const { bytes, packets } of cuts) {
      written.delivered += await handle.write(bytes);
      written.bundles++;
      written.packets += packets;
      written.bytes += bytes.length;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
}

async function* cutEntries(stream: Readable): AsyncGenerator<Cut, void, undefined> {
  const cutter = new EntryCutter();
  for await (const chunk of stream) yield* cutter.push(chunk as Buffer);
  cutter.end();
}

async function* readPackets(
  stream: Readable,
  written: Written,
): AsyncGenerator<Cut, void, undefined> {
  const bundles = readBundles(stream);
  const reader = new BundleReader();
  for (;;) {
    const { done, value } = await bundles.next();
    if (done) {
      written.leftOut = value.cut + value.notIp;
      return;
    }
    reader.reset(value);
    yield { bytes: value, packets: reader.count };
  }
}
