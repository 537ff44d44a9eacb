/**
 * Moves packets between the command's adapter and the far side, past the policy and the capture:
 *
 * ```
 *  adapter ──► capture ──► policy ──► far side
 *  adapter ◄── capture ◄── policy ◄── far side
 * ```
 *
 * So a capture shows what the command sent and what it got.
 */

import type { Adapter, PcapngWriter } from '../../index.ts';
import type { PolicyFilter } from '../../run.ts';
import type { FarSide } from './far-side.ts';

/** Directions of a filter: `Direction` of run/flow-table.ts. */
const OUT = 0;
const IN = 1;

/** What a pump works with. */
export interface PumpParts {
  readonly far: FarSide;
  readonly capture: PcapngWriter | undefined;
  /** Makes the filter, for an adapter of that MTU, that passes what was held back to `onDue`. */
  readonly makeFilter:
    | ((mtu: number, onDue: ConstructorParameters<typeof PolicyFilter>[1]['onDue']) => PolicyFilter)
    | undefined;
}

/** A pump at work. */
export interface Pump {
  readonly filter: PolicyFilter | undefined;
  /** Packets that the far side refused, so far. */
  readonly refused: number;
  /** Settles when the adapter is closed. Rejects when packets cannot be moved. */
  readonly done: Promise<void>;
}

/** Opens the device at once: the command is started when that is in operation (`runInNamespace`). */
export function startPump(adapter: Adapter, { far, capture, makeFilter }: PumpParts): Pump {
  const device = adapter.openDevice();
  const intoAdapter = (bytes: Uint8Array, length: number): void => {
    capture?.record(bytes, length, false);
    device.writeSync(bytes.subarray(0, length));
  };
  let refused = 0;
  const filter = makeFilter?.(adapter.mtu, (bytes, length, direction) => {
    if (direction === OUT) refused += far.deliver(bytes, length);
    else intoAdapter(bytes, length);
  });
  const kept = (bytes: Uint8Array, length: number, direction: 0 | 1): number =>
    filter === undefined ? length : filter.apply(bytes, length, direction);
  const outwards = async (): Promise<void> => {
    for await (const { bytes, byteLength } of device) {
      capture?.record(bytes, byteLength, true);
      const length = kept(bytes, byteLength, OUT);
      if (length > 0) refused += far.deliver(bytes, length);
    }
  };
  const inwards = far.start((bytes, byteLength) => {
    const length = kept(bytes, byteLength, IN);
    if (length > 0) intoAdapter(bytes, length);
  });
  const run = async (): Promise<void> => {
    // The far side ends when it is closed, which is after the adapter: only its failure matters before.
    await Promise.race([outwards(), inwards.then(() => new Promise<never>(() => undefined))]);
  };
  return {
    filter,
    get refused() {
      return refused;
    },
    done: run(),
  };
}
