/** A packet as a capture file has it. */

import type { CaptureDirection } from '../pcapng-options.ts';

export interface CapturedPacket {
  /** What is there of it, link header included. The reader's. */
  readonly frame: Uint8Array;
  /** Bytes that it had: more than the frame when it was cut. */
  readonly originalBytes: number;
  /** Offset of the IP packet in the frame; -1 when it is of another kind. */
  readonly packetOffset: number;
  /** Microseconds of the Unix epoch; undefined when the file does not say. */
  readonly microseconds: number | undefined;
  /** `send` when it left the host, `receive` when it came in, undefined when the file does not say. */
  readonly direction: CaptureDirection | undefined;
}

/** What a file is read by, whatever its format. */
export interface PacketParser {
  /**
   * The next packet; undefined when more of the file is needed.
   *
   * @throws TunError `CAPTURE_INVALID`.
   */
  next(): CapturedPacket | undefined;
}
