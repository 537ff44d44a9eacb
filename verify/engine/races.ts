/**
 * Which other schedules are worth trying: happens-before over the trace of one execution, by vector
 * clocks, and for each pair of conflicting operations that are not ordered by it, a point at which
 * the later thread is to go first.
 *
 * Under a bound on preemptions the reversal may cost one too many where the race is; so the thread is
 * also to go first at the last change of threads before it. Source: K. Coons, M. Musuvathi,
 * K. McKinley, "Bounded partial-order reduction", OOPSLA 2013; C. Flanagan, P. Godefroid, "Dynamic
 * partial-order reduction for model checking software", POPL 2005.
 */

import { Kind, StepWord, stepIndex } from './board.ts';

/** Last accesses to one location. */
interface Location {
  /** Step of the last write, -1. */
  write: number;
  /** Step of the last read of each thread since that write, -1. */
  reads: number[];
}

/** Calls `reverse(step, thread)` for each step at which `thread` is to go instead. */
export function findRaces(
  words: Int32Array,
  steps: number,
  threads: number,
  reverse: (step: number, thread: number) => void,
): void {
  const clocks = Array.from({ length: threads }, () => new Int32Array(threads).fill(-1));
  const stepClocks: Int32Array[] = [];
  const locations = new Map<number, Location>();
  for (let step = 0; step < steps; step++) {
    const at = stepIndex(step, 0);
    const thread = words[at + StepWord.THREAD]!;
    const clock = clocks[thread]!;
    const cause = words[at + StepWord.CAUSE]!;
    const kind = words[at + StepWord.KIND]!;
    if (kind === Kind.WAKE) join(clock, stepClocks[cause - 1]!);
    // A sleeper that this notify woke might have timed out before it.
    else if (kind === Kind.NOTIFY) for (const one of members(cause)) reverse(step, one);
    for (let i = 0; i < words[at + StepWord.ACCESSES]!; i++) {
      const name = words[at + StepWord.ACCESS + 2 * i]!;
      const location = locations.get(name);
      if (location === undefined) continue;
      const writes = words[at + StepWord.ACCESS + 2 * i + 1] !== 0;
      meet(location.write);
      if (writes) for (const read of location.reads) meet(read);
    }
    for (let i = 0; i < words[at + StepWord.ACCESSES]!; i++) {
      const name = words[at + StepWord.ACCESS + 2 * i]!;
      note(locations, name, step, thread, words[at + StepWord.ACCESS + 2 * i + 1] !== 0, threads);
    }
    clock[thread] = step;
    stepClocks.push(clock.slice());

    function meet(other: number): void {
      if (other < 0) return;
      const rival = words[stepIndex(other, StepWord.THREAD)]!;
      if (rival !== thread && clock[rival]! < other) reverse(other, thread);
      join(clock, stepClocks[other]!);
    }
  }
}

function note(
  locations: Map<number, Location>,
  name: number,
  step: number,
  thread: number,
  writes: boolean,
  threads: number,
): void {
  let location = locations.get(name);
  if (location === undefined) {
    location = { write: -1, reads: new Array<number>(threads).fill(-1) };
    locations.set(name, location);
  }
  if (writes) {
    location.write = step;
    location.reads.fill(-1);
  } else {
    location.reads[thread] = step;
  }
}

function join(clock: Int32Array, other: Int32Array): void {
  for (let i = 0; i < clock.length; i++) if (other[i]! > clock[i]!) clock[i] = other[i]!;
}

function members(set: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < 32; i++) if ((set & (1 << i)) !== 0) found.push(i);
  return found;
}
