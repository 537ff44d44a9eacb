/** What faults do to a sequence of packets, spelled out: which arrive, in which order. No delay. */

import { sfc32 } from './sfc32.ts';

export interface FaultProbabilities {
  readonly loss?: number;
  readonly corrupt?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
}

export interface Fate {
  /** Numbers of the packets that arrive, in order; those still held back are missing. */
  readonly arrived: number[];
  /** Of each corrupted packet its number and the bits that decide which of its bits is flipped. */
  readonly corrupted: Map<number, number>;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

const DRAWS = 7;

export function fateOf(
  packets: number,
  seed: number,
  stream: number,
  faults: FaultProbabilities,
): Fate {
  const bits = sfc32(seed, stream, packets * DRAWS);
  const happens = (draw: number, probability = 0): boolean => draw / 2 ** 32 < probability;
  const arrived: number[] = [];
  const corrupted = new Map<number, number>();
  let held: { number: number; left: number }[] = [];
  let lost = 0;
  let duplicated = 0;
  let reordered = 0;
  for (let number = 0; number < packets; number++) {
    const [loss, corrupt, corruptBit, duplicate, reorder, distance] = bits.slice(number * DRAWS);
    if (happens(loss!, faults.loss)) {
      lost++;
      continue;
    }
    if (happens(corrupt!, faults.corrupt)) corrupted.set(number, corruptBit!);
    if (happens(duplicate!, faults.duplicate)) {
      duplicated++;
      arrived.push(number);
    }
    const isHeld = happens(reorder!, faults.reorder);
    if (!isHeld) arrived.push(number);
    held = held.map((one) => ({ ...one, left: one.left - 1 }));
    arrived.push(...held.filter((one) => one.left === 0).map((one) => one.number));
    held = held.filter((one) => one.left > 0);
    if (isHeld) {
      reordered++;
      held.push({ number, left: 1 + (distance! % 3) });
    }
  }
  return { arrived, corrupted, lost, duplicated, reordered };
}
