/** The adapters of this thread by LUID index: what device names are looked up in. */

import { TunError, TunErrorCode } from '../errors.ts';
import { deviceName, parseDeviceName } from './luid.ts';

/** What the registry needs to know of an adapter. */
export interface Registered {
  readonly luidIndex: number;
}

const adapters = new Map<number, Registered>();

export function register(adapter: Registered): void {
  adapters.set(adapter.luidIndex, adapter);
}

/** Takes the name away; nobody can open the device by it from now on. */
export function unregister(adapter: Registered): void {
  if (adapters.get(adapter.luidIndex) === adapter) adapters.delete(adapter.luidIndex);
}

/** All adapters, oldest first. */
export function registered(): Registered[] {
  return [...adapters.values()];
}

/**
 * The adapter a device name stands for.
 *
 * @throws TypeError when it is no device name; TunError `NOT_FOUND` when no adapter has it.
 */
export function lookUp(name: string): Registered {
  const found = adapters.get(parseDeviceName(name));
  if (found !== undefined) return found;
  const known = registered().map((adapter) => deviceName(adapter.luidIndex));
  const there = known.length === 1 ? `is only ${known[0]}` : `are ${known.join(', ') || 'none'}`;
  throw new TunError(
    TunErrorCode.NOT_FOUND,
    `no adapter of this thread answers to ${name}; there ${there}`,
  );
}
