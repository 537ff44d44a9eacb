/** Who goes next: the prescribed thread, or whoever may, and the trace of what was chosen. */

import {
  Board,
  Kind,
  MAX_STEPS,
  Outcome,
  prefixIndex,
  Status,
  StepWord,
  stepIndex,
  ThreadWord,
  threadIndex,
} from './board.ts';

const NOBODY = -1;

export interface Deciding {
  readonly words: Int32Array;
  /** Asked when nothing can run but timeouts. */
  quiescent(): void;
  /** Whether the `blockUntil` of a thread may go on; evaluated by whoever decides. */
  holds(thread: number): boolean;
}

/** Chooses the thread of the next step, and records it; -1 when the execution is over. */
export function decide(deciding: Deciding): number {
  const { words } = deciding;
  const step = words[Board.STEPS]!;
  if (words[Board.OUTCOME] !== Outcome.RUNNING) return NOBODY;
  if (step >= MAX_STEPS) return end(words, Outcome.ENDLESS);
  const enabled = enabledThreads(deciding);
  let thread = NOBODY;
  if (enabled === 0) {
    if (allEnded(words)) return end(words, Outcome.ENDED);
    deciding.quiescent();
    thread = nextSleeper(words);
    if (thread === NOBODY) return end(words, Outcome.DEADLOCK);
    words[Board.LAST_TIMEOUT] = thread;
    record(words, step, thread, 1 << thread, Kind.TIMEOUT);
    return thread;
  }
  const early = words[Board.EARLY_TIMEOUTS]! > 0 ? sleepersWithTimeout(words) & ~enabled : 0;
  thread = choose(words, step, enabled, early);
  const isEarly = (early & (1 << thread)) !== 0;
  if (isEarly) words[Board.EARLY_TIMEOUTS]! -= 1;
  record(words, step, thread, enabled | early, isEarly ? Kind.TIMEOUT : NOBODY);
  return thread;
}

function choose(words: Int32Array, step: number, enabled: number, early: number): number {
  if (step < words[Board.PREFIX_LENGTH]!) {
    const prescribed = words[prefixIndex(step)]!;
    if (((enabled | early) & (1 << prescribed)) !== 0) return prescribed;
    throw new Error(`step ${step}: thread ${prescribed} cannot run; the code is not deterministic`);
  }
  const current = words[Board.CURRENT]!;
  if (words[Board.RANDOM] !== 0) return random(words, enabled);
  if (current >= 0 && (enabled & (1 << current)) !== 0) return current;
  return lowest(enabled);
}

function enabledThreads(deciding: Deciding): number {
  const { words } = deciding;
  let enabled = 0;
  for (let i = 0; i < words[Board.THREADS]!; i++) {
    const status = words[threadIndex(i, ThreadWord.STATUS)]!;
    const runs =
      status === Status.READY ||
      (status === Status.ASLEEP && words[threadIndex(i, ThreadWord.WOKEN_BY)] !== 0) ||
      (status === Status.POLLING && deciding.holds(i));
    if (runs) enabled |= 1 << i;
  }
  return enabled;
}

function sleepersWithTimeout(words: Int32Array): number {
  let sleepers = 0;
  for (let i = 0; i < words[Board.THREADS]!; i++) if (maySleepOut(words, i)) sleepers |= 1 << i;
  return sleepers;
}

function maySleepOut(words: Int32Array, thread: number): boolean {
  const status = words[threadIndex(thread, ThreadWord.STATUS)]!;
  const sleeps = status === Status.ASLEEP || status === Status.POLLING;
  return sleeps && words[threadIndex(thread, ThreadWord.TIMEOUT)]! >= 0;
}

/** At quiescence every sleeper gets its timeout in turn. */
function nextSleeper(words: Int32Array): number {
  const threads = words[Board.THREADS]!;
  const last = words[Board.LAST_TIMEOUT]!;
  for (let i = 1; i <= threads; i++) {
    const thread = (last + i) % threads;
    if (maySleepOut(words, thread)) return thread;
  }
  return NOBODY;
}

function allEnded(words: Int32Array): boolean {
  for (let i = 0; i < words[Board.THREADS]!; i++) {
    if (words[threadIndex(i, ThreadWord.STATUS)] !== Status.ENDED) return false;
  }
  return true;
}

function end(words: Int32Array, outcome: number): number {
  words[Board.OUTCOME] = outcome;
  return NOBODY;
}

function lowest(set: number): number {
  return 31 - Math.clz32(set & -set);
}

/** A thread of the set: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
function random(words: Int32Array, set: number): number {
  let x = words[Board.RANDOM]!;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  words[Board.RANDOM] = x === 0 ? 1 : x;
  let nth = (x >>> 0) % bits(set);
  for (let rest = set; ; rest &= rest - 1) if (nth-- === 0) return lowest(rest);
}

function bits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Writes the step down; `kind` is that of the thread's pending operation unless it is given. */
function record(
  words: Int32Array,
  step: number,
  thread: number,
  enabled: number,
  kind: number,
): void {
  const current = words[Board.CURRENT]!;
  const at = stepIndex(step, 0);
  const from = threadIndex(thread, 0);
  const status = words[from + ThreadWord.STATUS]!;
  words[at + StepWord.THREAD] = thread;
  words[at + StepWord.ENABLED] = enabled;
  words[at + StepWord.COULD_GO_ON] =
    current >= 0 && current !== thread && (enabled & (1 << current)) !== 0 ? 1 : 0;
  words[at + StepWord.CAUSE] = 0;
  if (kind === Kind.TIMEOUT || status !== Status.ASLEEP) {
    const accesses = words[from + ThreadWord.ACCESSES]!;
    words[at + StepWord.KIND] = kind === Kind.TIMEOUT ? kind : words[from + ThreadWord.KIND]!;
    words[at + StepWord.ACCESSES] = accesses;
    for (let i = 0; i < 2 * accesses; i++) {
      words[at + StepWord.ACCESS + i] = words[from + ThreadWord.ACCESS + i]!;
    }
    if (kind === Kind.TIMEOUT) words[Board.TIME]! += words[from + ThreadWord.TIMEOUT]!;
  } else {
    words[at + StepWord.KIND] = Kind.WAKE;
    words[at + StepWord.ACCESSES] = 0;
    words[at + StepWord.CAUSE] = words[from + ThreadWord.WOKEN_BY]!;
  }
  words[Board.STEPS] = step + 1;
  words[Board.CURRENT] = thread;
}
