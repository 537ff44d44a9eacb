/** Where packets that were read go: standard output, in one of three forms. */

import { fstatSync } from 'node:fs';
import { BundleReader, PcapngWriter } from '../../index.ts';
import { UsageError } from '../errors.ts';
import { packetLine } from './packet-line.ts';
import type { PacketFormat } from './options.ts';

const STDOUT = 1;
/** Standard output by a name, which is what a capture is opened by. */
const STDOUT_PATH = '/dev/stdout';

/** Takes bundles, one at a time. */
export interface Sink {
  /** The bytes may be reused when it has resolved. */
  put(bundle: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens standard output for them.
 *
 * @throws UsageError for bundles or a capture on a terminal, or a capture behind other things.
 */
export async function openSink(format: PacketFormat | undefined, adapter: string): Promise<Sink> {
  const terminal = process.stdout.isTTY === true;
  const wanted = format ?? (terminal ? 'lines' : 'bundles');
  if (wanted === 'lines') return lineSink();
  if (terminal) {
    throw new UsageError(
      `standard output is a terminal, which is no place for ${wanted}; redirect it ("> FILE", "| PROGRAM"), or say --format lines`,
    );
  }
  return wanted === 'bundles' ? bundleSink() : await captureSink(adapter);
}

function bundleSink(): Sink {
  return { put: (bundle) => write(bundle.slice()), close: () => Promise.resolve() };
}

function lineSink(): Sink {
  const reader = new BundleReader();
  return {
    put(bundle) {
      reader.reset(bundle);
      const lines: string[] = [];
      while (reader.next()) lines.push(packetLine(reader.packet()));
      return write(`${lines.join('\n')}\n`);
    },
    close: () => Promise.resolve(),
  };
}

async function captureSink(adapter: string): Promise<Sink> {
  const stdout = fstatSync(STDOUT);
  if (stdout.isFile() && stdout.size > 0) {
    throw new UsageError(
      'standard output is a file with something in it, and a capture is a file of its own; write it with ">", not ">>"',
    );
  }
  const capture = await PcapngWriter.open(STDOUT_PATH, { interfaceName: adapter });
  return {
    put(bundle) {
      capture.record(bundle, bundle.length, true);
      return Promise.resolve();
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
