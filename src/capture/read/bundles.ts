/** Capture files as bundles: what a device takes. */

import { BundleWriter } from '../../wire/bundle-writer.ts';
import { readCapture } from './reader.ts';

/** Room for 256 packets of an Ethernet-sized MTU; larger ones make smaller bundles. */
const BUNDLE_BYTES = 0x80000;

/** Packets of a file that no bundle has. */
export interface LeftOut {
  /** Not whole in the file. */
  readonly cut: number;
  readonly notIp: number;
}

/**
 * The packets of a capture file in bundles of up to 256, as fast as they are read, whatever their times and directions. A
 * bundle is valid until the next is asked for. Returns how many packets were left out.
 *
 * Throws as `readCapture`; the packets before the mistake come first.
 */
export async function* readBundles(
  source: string | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, LeftOut, undefined> {
  const writer = new BundleWriter(new Uint8Array(BUNDLE_BYTES));
  const left = { cut: 0, notIp: 0 };
  let broken: Error | undefined;
  const packets = readCapture(source);
  for (;;) {
    const next = await packets.next().catch((error: unknown) => {
      broken = error as Error;
      return { done: true, value: undefined } as const;
    });
    if (next.done) break;
    const { frame, packetOffset, originalBytes } = next.value;
    if (packetOffset < 0) left.notIp++;
    else if (originalBytes > frame.length) left.cut++;
    else if (!writer.append(frame, packetOffset)) {
      yield writer.finish();
      writer.reset();
      writer.append(frame, packetOffset);
    }
  }
  if (writer.count > 0) yield writer.finish();
  if (broken !== undefined) throw broken;
  return left;
}
