/** The control side of a Linux link: what can be known of its device, and changed. Not on the packet path. */

import type { LinkEvent, LinkInfo, LinkReconfig } from '../link.ts';

export interface DeviceControl {
  /** The device as it was last read back or reported. */
  readonly info: LinkInfo;
  /** Sets who is told of changes that others make. */
  onEvent(listener: (event: LinkEvent) => void): void;
  /** Changes the device and reads it back. */
  configure(change: LinkReconfig): LinkInfo;
  /** Packets the kernel dropped in front of the device; the last known figure once it is gone. */
  hostDrops(): number;
  /** Descriptors attached to the device, whoever holds them; undefined where that cannot be known. */
  attachedQueues(): number | undefined;
  /** Removes the device, whoever holds descriptors of it. Does nothing when it is gone. */
  removeDevice(): void;
  /** Safe to call twice. */
  close(): Promise<void>;
}
