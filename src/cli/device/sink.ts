/** Where packets that were read go: standard output, in one of three forms. */

import { BundleReader, type PacketSource, PcapngWriter } from '../../index.ts';
import { packetLine } from '../capture/line.ts';
import { UsageError } from '../errors.ts';
import type { PacketFormat } from './options.ts';

const US_PER_MS = 1000;

/** Takes bundles, one at a time. */
export interface Sink {
  /** The bytes may be reused when it has resolved. */
  put(bundle: Uint8Array): Promise<void>;
  /** Packets that were put and are not written: a capture waits for nobody. */
  readonly lost: number;
  close(): Promise<void>;
}

/**
 * Opens standard output for them.
 *
 * @throws UsageError for bundles or a capture on a terminal.
 */
export function openSink(format: PacketFormat | undefined, adapter: string): Sink {
  const terminal = process.stdout.isTTY === true;
  const wanted = format ?? (terminal ? 'lines' : 'bundles');
  if (wanted === 'lines') return lineSink();
  if (terminal) {
    throw new UsageError(
      `standard output is a terminal, which is no place for ${wanted}; redirect it ("> FILE", "| PROGRAM"), or say --format lines`,
    );
  }
  return wanted === 'bundles' ? bundleSink() : captureSink(adapter);
}

function bundleSink(): Sink {
  return { put: (bundle) => write(bundle.slice()), lost: 0, close: () => Promise.resolve() };
}

function lineSink(): Sink {
  const reader = new BundleReader();
  return {
    put(bundle) {
      reader.reset(bundle);
      const microseconds = (performance.timeOrigin + performance.now()) * US_PER_MS;
      const lines: string[] = [];
      while (reader.next()) lines.push(packetLine(sourceOf(reader, bundle, microseconds)));
      return write(`${lines.join('\n')}\n`);
    },
    lost: 0,
    close: () => Promise.resolve(),
  };
}

/** The present packet of a reader. What is read of a device the system sent. */
function sourceOf(reader: BundleReader, bytes: Uint8Array, microseconds: number): PacketSource {
  const { offset, length: size } = reader;
  return { bytes, offset, size, original: size, outbound: true, microseconds };
}

function captureSink(adapter: string): Sink {
  const capture = PcapngWriter.to(process.stdout, { interfaceName: adapter, end: false });
  return {
    put(bundle) {
      capture.record(bundle, bundle.length, true);
      return Promise.resolve();
    },
    get lost() {
      return capture.statistics.dropped;
    },
    close: () => capture.close(),
  };
}

/** Resolves when it is written; who does not read holds us up, and the adapter's drop policy decides. */
function write(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
