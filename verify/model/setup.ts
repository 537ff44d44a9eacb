/** How scenarios begin and what is true of all of them at the end. */

import { createAdapterMemory } from '#dist/adapter/shared-adapter.js';
import { AdapterState } from '#dist/adapter/state.js';
import { stateOf } from '#dist/adapter/state-word.js';
import { Counters } from '#dist/sync/counters.js';
import {
  Claim,
  COUNTERS_START,
  Counter,
  LaneWord,
  laneIndex,
  ParticipantWord,
  participantIndex,
  Word,
} from '#dist/sync/layout.js';
import { laneOf } from '#dist/sync/participants.js';
import type { Environment, Scenario } from '../engine/scenario.ts';
import { Actor } from './actor.ts';
import { type Beginning, begin, lanesIn } from './beginning.ts';
import { createModelMemory, LogWord, pendingWord } from './model-memory.ts';
import { nameOf } from './names.ts';
import { checkOrder } from './order.ts';
import { accepting, laneCount, laneQueueCount, queueCount, rawIdle } from './raw.ts';

const FORBIDDEN: readonly number[] = [
  ParticipantWord.LOCK,
  ParticipantWord.HAND,
  ParticipantWord.DELIVERING,
];
const PRESENT: readonly AdapterState[] = [
  AdapterState.PAUSED,
  AdapterState.RESTARTING,
  AdapterState.RUNNING,
  AdapterState.PAUSING,
];

/** A scenario in a few words. */
export interface Play {
  readonly name: string;
  readonly about: string;
  readonly bound?: number;
  readonly begins?: Beginning;
  readonly dies?: number;
  readonly earlyTimeouts?: number;
  readonly walks?: number;
  /** What each thread does. */
  readonly threads: readonly ((actor: Actor, env: Environment) => void)[];
  /** What has to be true at the end besides what is always true. */
  check?(end: End): void;
}

/** The end of an execution. */
export interface End {
  readonly env: Environment;
  readonly words: Int32Array;
  readonly log: Int32Array;
  readonly died: boolean;
  readonly queued: number;
}

/** Preemptions to explore: the least that is asked for. */
function boundFor(threads: number): number {
  return threads <= 2 ? 3 : 2;
}

/** Makes a scenario of a play. */
export function scenarioOf(play: Play): Scenario {
  const { threads } = play;
  return {
    name: play.name,
    about: play.about,
    threads: threads.length,
    bound: play.bound ?? boundFor(threads.length),
    ...(play.dies === undefined ? {} : { dies: play.dies }),
    ...(play.earlyTimeouts === undefined ? {} : { earlyTimeouts: play.earlyTimeouts }),
    ...(play.walks === undefined ? {} : { walks: play.walks }),
    stuck: (memories, env) =>
      whyStuck(new Int32Array(memories[0]!), new Int32Array(memories[1]!), env),
    memories: () => [createAdapterMemory(lanesIn(play.begins ?? {})), createModelMemory()],
    setup: (memories) => begin(memories, threads.length, play.begins ?? {}),
    thread: (memories, n, env) => {
      const actor = new Actor(memories, n, env);
      return () => threads[n]!(actor, env);
    },
    quiescent: (memories, env) => {
      const words = new Int32Array(memories[0]!);
      checkParked(words, new Int32Array(memories[1]!), env);
      checkPausing(words, env);
    },
    touched: (memories, memory, index, env) => checkHalted(memories, memory, index, env),
    check: (memories, env) => {
      const words = new Int32Array(memories[0]!);
      const end: End = {
        env,
        words,
        log: new Int32Array(memories[1]!),
        died: env.alive.includes(0),
        queued: queueCount(words, Atomics),
      };
      checkAlways(end);
      play.check?.(end);
    },
    wordName: nameOf,
  };
}

/** Which rule is broken when the threads do not come to an end. */
function whyStuck(words: Int32Array, log: Int32Array, env: Environment): string {
  const state = stateOf(words[Word.STATE]!);
  const reading = log[LogWord.READS_BEGUN] !== log[LogWord.READS_COMPLETED];
  if (env.alive.includes(0)) return 'R9';
  if (state === AdapterState.PAUSING && rawIdle(words, env.real) === undefined) return 'R4';
  if (reading && !PRESENT.includes(state)) return 'R8';
  if (reading && words[Word.TRANSITION] === 0) return 'R6';
  return 'R7';
}

/** Nothing can run: whoever is parked must have nothing to read, and what waits must have a reader. */
function checkParked(words: Int32Array, log: Int32Array, env: Environment): void {
  if (!accepting(words, env.real)) return;
  // What a thread moved to another lane and had no time to announce: whoever cleans up after it will.
  if (laneCount(words) > 1 && isUnburied(words, env)) return;
  for (let lane = 0; lane < laneCount(words); lane++) {
    if (laneQueueCount(words, lane, env.real) > 0) {
      requireReader(words, lane, env, 'packets are queued');
    }
  }
  // With one queue the host ends every wait by itself.
  for (let queue = 0; queue < laneCount(words) && laneCount(words) > 1; queue++) {
    if (env.real.load(log, pendingWord(queue)) === 0) continue;
    for (let lane = 0; lane < laneCount(words); lane++) {
      const sources = env.real.load(words, laneIndex(lane, LaneWord.SOURCES));
      if ((sources & (1 << queue)) === 0) continue;
      requireReader(words, lane, env, `the host has packets in queue ${queue}`);
    }
  }
}

function isUnburied(words: Int32Array, env: Environment): boolean {
  return env.alive.some(
    (alive, i) =>
      alive === 0 &&
      env.real.load(words, participantIndex(i, ParticipantWord.CLAIM)) !== Claim.FREE,
  );
}

/** Nobody who reads a lane may be parked although something is there, and somebody has to read it. */
function requireReader(words: Int32Array, lane: number, env: Environment, what: string): void {
  const { real, alive } = env;
  let handles = 0;
  for (let i = 0; i < real.load(words, Word.PARTICIPANTS); i++) {
    if (laneOf(words, i) !== lane) continue;
    handles += real.load(words, participantIndex(i, ParticipantWord.HANDLES));
    const waiting = real.load(words, participantIndex(i, ParticipantWord.WAITING));
    if (waiting === 0 || real.load(alive, i) === 0) continue;
    env.violated('R5', `thread ${i} is parked in a read while ${what}`);
  }
  if (handles > 0 || real.load(words, Word.CONTROL) !== 0 || alive.includes(0)) return;
  env.violated('R5', `${what} for lane ${lane}, which nobody reads`);
}

/** Nothing can run: a pause that could be complete must be. */
function checkPausing(words: Int32Array, env: Environment): void {
  if (stateOf(env.real.load(words, Word.STATE)) !== AdapterState.PAUSING) return;
  if (env.real.load(words, Word.CONTROL) !== 0 || env.alive.includes(0)) return;
  if (rawIdle(words, env.real) === undefined) {
    env.violated('R4', 'no transaction is active, and nobody has completed the pause');
  }
}

/** After a halt a thread may find out that the adapter is gone, and nothing more. */
function checkHalted(
  memories: readonly SharedArrayBuffer[],
  memory: number,
  index: number,
  env: Environment,
): void {
  if (memory !== 0) return;
  const log = new Int32Array(memories[1]!);
  if (env.real.load(log, LogWord.RELEASED) === 0 || !isForbidden(index)) return;
  env.violated('R8', `${nameOf(0, index)} is touched after the halt`);
}

/** Words of locks, hands, counters and the queue: what operations inside work with. */
function isForbidden(index: number): boolean {
  if (index >= COUNTERS_START) return true;
  if (index >= laneIndex(0, 0) && index < participantIndex(0, 0)) return true;
  return FORBIDDEN.some((word) => {
    const first = participantIndex(0, word);
    const stride = participantIndex(1, word) - first;
    return index >= first && (index - first) % stride === 0;
  });
}

/** R3, R4, R6 and R9, whatever the scenario. */
function checkAlways({ env, words, log, died, queued }: End): void {
  const counters = new Counters(words, 0);
  const dropped = [
    Counter.DROP_PAUSED,
    Counter.DROP_LOW_POWER,
    Counter.DROP_NOT_OPEN,
    Counter.DROP_QUEUE_FULL,
    Counter.DROP_CLEARED,
    Counter.DROP_ABANDONED,
    Counter.DROP_CANCELLED,
  ].reduce((sum, counter) => sum + counters.sum(counter), 0);
  const taken = log[LogWord.TAKEN]!;
  const delivered = died ? deliveredCount(counters) : log[LogWord.DELIVERED]!;
  const lost = log[LogWord.LOST_AT_DEATH]!;
  let inHand = 0;
  for (let i = 0; i < words[Word.PARTICIPANTS]!; i++) {
    inHand += words[participantIndex(i, ParticipantWord.HAND)]!;
  }
  if (taken > 0) env.premise('R3');
  // What died while it was counted is documented to be inexact: handed over, not yet in the counters.
  const counted = delivered + dropped + queued + lost + Math.max(0, inHand);
  // At most that bundle's packets are missing, at least none.
  const missing = taken - counted;
  if (missing < 0 || missing > log[LogWord.COUNTING]!) {
    env.violated(
      'R3',
      `${taken} packets were taken, but ${delivered} delivered, ${dropped} dropped, ${queued} queued, ${inHand} in hand, ${lost} lost at death`,
    );
  }
  checkOrder(env, log);
  if (died) env.premise('R9');
  else if (log[LogWord.READS_BEGUN] !== log[LogWord.READS_COMPLETED]) {
    env.violated('R6', 'a read did not complete');
  }
  const begun = log[LogWord.PAUSES_BEGUN]!;
  const completed = log[LogWord.PAUSES_COMPLETED]!;
  const over = stateOf(words[Word.STATE]!) === AdapterState.SHUTDOWN;
  if (!died && !over && begun !== completed) {
    env.violated('R4', `${begun} pauses were begun, ${completed} completed`);
  }
}

function deliveredCount(counters: Counters): number {
  return counters.sum(Counter.OUT_UNICAST_PACKETS);
}

/** A check: after a death no handle of the dead thread is counted, and it is no participant. */
export function handlesOfTheDeadAreClosed({ env, words, died }: End): void {
  if (!died) return;
  for (let i = 0; i < words[Word.PARTICIPANTS]!; i++) {
    if (env.alive[i] !== 0) continue;
    const handles = words[participantIndex(i, ParticipantWord.HANDLES)]!;
    const claim = words[participantIndex(i, ParticipantWord.CLAIM)]!;
    if (handles !== 0 || claim !== Claim.FREE) {
      env.violated('R9', `thread ${i} is dead, and has ${handles} handles and claim ${claim}`);
    }
  }
}

/** A check: besides, all packets that were left were read or dropped. */
export function nothingIsLeft(end: End): void {
  handlesOfTheDeadAreClosed(end);
  if (!end.died) return;
  const pending = end.log[pendingWord(0)]! + end.log[pendingWord(1)]!;
  if (end.queued + pending === 0) return;
  end.env.violated(
    'R9',
    `${end.queued} packets are queued and ${pending} wait in the host, and nobody reads them`,
  );
}
