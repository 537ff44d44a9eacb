/** What the demo finds out: the object that `--json` prints. */

import type { AdapterStatistics } from '../../index.ts';
import type { DemoLink } from './rungs.ts';

/** Echo requests and replies. */
export interface IcmpResult {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly rttUs: { readonly p50: number; readonly p99: number };
}

/** Datagrams. */
export interface UdpResult {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  /** Received with other bytes than were sent. */
  readonly corrupt: number;
}

/** One TCP transfer. */
export interface TcpResult {
  readonly bytes: number;
  readonly sha256Match: boolean;
  readonly gbitPerSecond: number;
}

/** A pause in the middle of traffic. */
export interface PauseResult {
  readonly pausedMs: number;
  /** Packets the host sent meanwhile. */
  readonly offeredWhilePaused: number;
  /** Packets that passed all the same, in either direction. */
  readonly deliveredWhilePaused: number;
  /** From the restart to the first new bytes. */
  readonly resumedAfterMs: number;
  /** Whether the transfer then ended as it should. */
  readonly recovered: boolean;
}

export const CHECK_NAMES = ['icmp4', 'icmp6', 'udp4', 'udp6', 'tcp4', 'tcp6', 'pause'] as const;

export type CheckName = (typeof CHECK_NAMES)[number];

/** A check that ran. */
export type Passed = { readonly name: CheckName; readonly ok: boolean; readonly error?: string } & (
  | IcmpResult
  | UdpResult
  | TcpResult
  | PauseResult
  | { readonly error: string }
);

/** A check that this link, or this user's rights, cannot do: neither ok nor failed. */
export interface Skipped {
  readonly name: CheckName;
  readonly skipped: string;
}

export type Check = Passed | Skipped;

export function isSkipped(check: Check): check is Skipped {
  return 'skipped' in check;
}

/** The whole result. */
export interface DemoResult {
  /** Whether every check that could be made passed. */
  readonly ok: boolean;
  readonly link: DemoLink;
  /** Why this link. */
  readonly reason: string;
  readonly adapter: {
    readonly name: string;
    readonly luidIndex: number;
    readonly device: string;
    readonly mtu: number;
    readonly addresses: readonly string[];
  };
  readonly checks: readonly Check[];
  readonly statistics: AdapterStatistics;
  readonly bundles: {
    readonly read: number;
    readonly written: number;
    readonly packetsPerBundle: { readonly mean: number; readonly max: number };
  };
}
