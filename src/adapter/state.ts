/**
 * The adapter's states and the one table of its transitions.
 *
 * ```
 *            initialize                 restart
 *  Halted ─────────────► Initializing ─► Paused ─────────► Restarting ─► Running
 *    ▲                                   │    ▲                             │
 *    │                                   │    └──────── Pausing ◄───────────┘
 *    └────────────── Halting ◄───────────┘   last active   pause,
 *                              halt          transaction   removal query
 *                                            ends
 *  any ─────────────► Shutdown   (system shutdown; final)
 * ```
 *
 * Source: docs/driver-contract.md, section 3.
 */

/** What may happen in each state. */
export const AdapterState = {
  /** Nothing: there is no device. The first and the last state. */
  HALTED: 'Halted',
  /** The link is being opened and configured; nothing is accepted. */
  INITIALIZING: 'Initializing',
  /** Handles open and close, reads wait, writes are dropped with a count; no packet passes. */
  PAUSED: 'Paused',
  /** What the host sent while nothing was accepted is being thrown away. */
  RESTARTING: 'Restarting',
  /** Packets pass, when a handle is open and power is D0. */
  RUNNING: 'Running',
  /** As Paused, but transactions begun while Running are still ending. */
  PAUSING: 'Pausing',
  /** The device name is gone, handles are being closed, the link released. */
  HALTING: 'Halting',
  /** The system is going down. Nothing more is accepted until the process starts again. */
  SHUTDOWN: 'Shutdown',
} as const;

export type AdapterState = (typeof AdapterState)[keyof typeof AdapterState];

/** States by the number that stands for them in shared memory. */
export const ADAPTER_STATES: readonly AdapterState[] = Object.values(AdapterState);

/** The transitions there are. A pair that is not here is a bug, not a user's mistake. */
const TRANSITIONS: Readonly<Record<AdapterState, readonly AdapterState[]>> = {
  Halted: [AdapterState.INITIALIZING, AdapterState.SHUTDOWN],
  Initializing: [AdapterState.PAUSED, AdapterState.SHUTDOWN],
  Paused: [AdapterState.RESTARTING, AdapterState.HALTING, AdapterState.SHUTDOWN],
  Restarting: [AdapterState.RUNNING, AdapterState.SHUTDOWN],
  Running: [AdapterState.PAUSING, AdapterState.SHUTDOWN],
  Pausing: [AdapterState.PAUSED, AdapterState.SHUTDOWN],
  Halting: [AdapterState.HALTED, AdapterState.SHUTDOWN],
  Shutdown: [],
};

/** Whether the table has the transition. */
export function isTransition(from: AdapterState, to: AdapterState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether a device exists in this state: it can be opened, read and written. */
export function isPresent(state: AdapterState): boolean {
  return (
    state === AdapterState.PAUSED ||
    state === AdapterState.RESTARTING ||
    state === AdapterState.RUNNING ||
    state === AdapterState.PAUSING
  );
}

/** Device power. A suspend lowers it and never halts the adapter. */
export const PowerState = {
  /** No device. */
  UNSPECIFIED: 'Unspecified',
  /** On. */
  D0: 'D0',
  D1: 'D1',
  D2: 'D2',
  D3: 'D3',
} as const;

export type PowerState = (typeof PowerState)[keyof typeof PowerState];

/** Power states by the number that stands for them in shared memory. */
export const POWER_STATES: readonly PowerState[] = Object.values(PowerState);

/** Whether anybody holds the device open. */
export const MediaState = { DISCONNECTED: 'Disconnected', CONNECTED: 'Connected' } as const;

export type MediaState = (typeof MediaState)[keyof typeof MediaState];

/** Media states by the number that stands for them in shared memory. */
export const MEDIA_STATES: readonly MediaState[] = Object.values(MediaState);

/** Why packets are, or are not, accepted right now. Names the first reason that applies. */
export const Acceptance = {
  SUCCESS: 0,
  /** No handle is open ("send aborted"). */
  NOT_OPEN: 1,
  /** The state is not Running. */
  PAUSED: 2,
  /** Power is not D0. */
  LOW_POWER: 3,
} as const;

export type Acceptance = (typeof Acceptance)[keyof typeof Acceptance];
