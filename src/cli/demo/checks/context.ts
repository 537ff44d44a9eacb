/** What a check over the kernel needs to know. */

import type { OpenEcho } from '../../../os/icmp-socket.ts';

/** One family's side of the reflector. */
export interface KernelCheck {
  /** The adapter's own address. */
  readonly local: string;
  /** An address behind the adapter; what is sent to it comes back to `local`. */
  readonly remote: string;
  /** Bytes. */
  readonly mtu: number;
  /** What sends pings, where that is not the kernel's ICMP socket. */
  readonly openEcho?: OpenEcho;
  /** Aborts the check. */
  readonly signal: AbortSignal;
  /** Told of bytes that arrived, for the live line. */
  readonly onBytes: (bytes: number) => void;
}
