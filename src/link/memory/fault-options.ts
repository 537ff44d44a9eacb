/**
 * What can go wrong on the way between the host and the adapter, as a user sets it.
 */

import { checkKnown } from './known-names.ts';

/** Faults of one direction. Probabilities are 0 to 1 per packet; what is absent does not happen. */
export interface FaultOptions {
  /** Probability that a packet vanishes. */
  readonly loss?: number | undefined;
  /** Probability that a packet arrives twice. */
  readonly duplicate?: number | undefined;
  /** Probability that a packet is held back until one to three later ones have passed it. */
  readonly reorder?: number | undefined;
  /**
   * Probability that one bit of a packet is flipped, where a checksum will show it: in IPv4
   * anywhere but the first byte, in IPv6 from the addresses on.
   */
  readonly corrupt?: number | undefined;
  /** Milliseconds that every packet takes. */
  readonly delayMs?: number | undefined;
  /** Milliseconds, at most, that a packet takes beyond `delayMs`; its share is drawn evenly. */
  readonly jitterMs?: number | undefined;
}

/** Faults by direction, named from the host's side. */
export interface HostFaults {
  /** On the way from the host to the adapter. */
  readonly send?: FaultOptions | undefined;
  /** On the way from the adapter to the host. */
  readonly receive?: FaultOptions | undefined;
}

/** {@link FaultOptions} made ready for the packet path. */
export interface FaultPlan {
  /** Whether packets pass untouched and at once. */
  readonly idle: boolean;
  /** Each probability as the bound that 32 random bits must lie below. */
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly corrupt: number;
  readonly delayMs: number;
  readonly jitterMs: number;
}

const FAULT_NAMES = [
  'loss',
  'duplicate',
  'reorder',
  'corrupt',
  'delayMs',
  'jitterMs',
] as const satisfies readonly (keyof FaultOptions)[];

const DIRECTIONS = ['send', 'receive'] as const satisfies readonly (keyof HostFaults)[];

const TWO_TO_32 = 2 ** 32;

/** Checks that `faults` names directions alone. Throws TypeError. */
export function checkDirections(faults: HostFaults): void {
  checkKnown('faults', faults, DIRECTIONS);
}

/** Checks `options` and makes a plan of them; `direction` is for messages. Throws TypeError, RangeError. */
export function faultPlan(options: FaultOptions, direction: keyof HostFaults): FaultPlan {
  checkKnown(`faults.${direction}`, options, FAULT_NAMES);
  const plan = {
    loss: bound(options, 'loss', direction),
    duplicate: bound(options, 'duplicate', direction),
    reorder: bound(options, 'reorder', direction),
    corrupt: bound(options, 'corrupt', direction),
    delayMs: duration(options, 'delayMs', direction),
    jitterMs: duration(options, 'jitterMs', direction),
  };
  return { idle: Object.values(plan).every((value) => value === 0), ...plan };
}

function bound(
  options: FaultOptions,
  name: 'loss' | 'duplicate' | 'reorder' | 'corrupt',
  direction: string,
): number {
  const value = options[name] ?? 0;
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(
      `faults.${direction}.${name} is ${value}; it is a probability from 0 (never) to 1 (always)`,
    );
  }
  return value * TWO_TO_32;
}

function duration(options: FaultOptions, name: 'delayMs' | 'jitterMs', direction: string): number {
  const value = options[name] ?? 0;
  if (!(value >= 0 && Number.isFinite(value))) {
    throw new RangeError(`faults.${direction}.${name} is ${value}; pass milliseconds, 0 or more`);
  }
  return value;
}
