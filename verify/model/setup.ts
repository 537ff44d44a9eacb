/** How scenarios begin and what is true of all of them at the end. */

import { createAdapterMemory, queueBytesFor, SharedAdapter } from '#dist/adapter/shared-adapter.js';
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
  QUEUE_START_BYTES,
  Word,
} from '#dist/sync/layout.js';
import { attachParticipant, offerParticipant } from '#dist/sync/participants.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import type { Environment, Scenario } from '../engine/scenario.ts';
import { Actor } from './actor.ts';
import { PACKET_BYTES } from './model-link.ts';
import { createModelMemory, LogWord, MAX_PACKETS, ModelWord } from './model-memory.ts';
import { accepting, queueCount, rawIdle } from './raw.ts';

/** Words of the queue's header and descriptors: what an execution may have touched. */
const QUEUE_WORDS = 8 + 4 * 1024;
const QUEUE_START: number = QUEUE_START_BYTES / 4;
const ENTRY_BYTES = 48;
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

/** How an adapter begins. */
export interface Beginning {
  /** Default Running. */
  readonly state?: 'Running' | 'Paused';
  /** Threads with one handle each. Default: thread 0. */
  readonly handles?: readonly number[];
  /** Packets in the queue, and the cancel ids they were queued under. */
  readonly queued?: readonly number[];
  /** Packets the host has sent already, and others that no bundle can hold. */
  readonly pending?: number;
  readonly unusable?: number;
  /** Whether the link takes a packet that does not fit any more. */
  readonly remainder?: boolean;
  /** Packets the queue has room for. Default: more than there are. */
  readonly room?: number;
}

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
    memories: () => [createAdapterMemory(), createModelMemory()],
    setup: (memories) => begin(memories, threads.length, play.begins ?? {}),
    thread: (memories, n, env) => {
      const actor = new Actor(memories, n, env);
      return () => threads[n]!(actor, env);
    },
    quiescent: (memories, env) => {
      const words = new Int32Array(memories[0]!);
      checkParked(words, env);
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

function begin(memories: readonly SharedArrayBuffer[], threads: number, begins: Beginning): void {
  const [memory, model] = memories;
  const words = new Int32Array(memory!);
  words.fill(0, 0, QUEUE_START + QUEUE_WORDS);
  const log = new Int32Array(model!).fill(0);
  for (let i = 0; i < threads; i++) {
    attachParticipant(words, offerParticipant(words), { thread: 0, born: 0 });
  }
  const shared = new SharedAdapter({
    memory: memory!,
    participant: 0,
    liveness: { isAlive: () => true },
    place: { park: () => undefined, unpark: () => undefined },
    dropPolicy: 'drop-oldest',
  });
  shared.growQueues(begins.room === undefined ? queueBytesFor(1500) : begins.room * ENTRY_BYTES);
  const states = ['Initializing', 'Paused', 'Restarting', 'Running'] as const;
  for (const state of states) {
    shared.changeState(shared.stateWord, state);
    if (state === begins.state) break;
  }
  shared.power = 'D0';
  for (const thread of begins.handles ?? [0]) shared.setHandlesOf(thread, 1);
  shared.media = shared.openHandles > 0 ? 'Connected' : 'Disconnected';
  const entry = new Uint8Array(ENTRY_BYTES);
  (begins.queued ?? []).forEach((cancelId, number) => {
    writeEntryHeader(entry, 0, PACKET_BYTES);
    entry[16] = 0x45;
    entry[16 + 4] = number;
    writeEntryTail(entry, 0, PACKET_BYTES);
    shared.lane.queue.push(entry, 0, PACKET_BYTES, cancelId);
  });
  const queued = begins.queued?.length ?? 0;
  log[LogWord.TAKEN] = queued;
  log[LogWord.SENT] = queued + (begins.pending ?? 0);
  log[ModelWord.PENDING] = begins.pending ?? 0;
  log[ModelWord.UNUSABLE] = begins.unusable ?? 0;
  log[ModelWord.REMAINDER] = begins.remainder ? 1 : 0;
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

/** Nothing can run: whoever is parked must have nothing to read. */
function checkParked(words: Int32Array, env: Environment): void {
  if (!accepting(words, env.real) || queueCount(words, env.real) === 0) return;
  for (let i = 0; i < env.real.load(words, Word.PARTICIPANTS); i++) {
    const waiting = participantIndex(i, ParticipantWord.WAITING);
    if (env.real.load(words, waiting) === 0 || env.real.load(env.alive, i) === 0) continue;
    env.violated('R5', `thread ${i} is parked in a read while packets are queued`);
  }
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

/** The host's order is that of the sequence numbers. */
function checkOrder(env: Environment, log: Int32Array): void {
  let last = 0;
  for (let i = 0; i < MAX_PACKETS; i++) {
    const sequence = log[LogWord.SEQUENCES + i]!;
    if (sequence === 0) continue;
    if (sequence <= last) env.violated('R3', `packet ${i} is delivered out of order`);
    last = sequence;
  }
}

const WORD_NAMES = new Map<number, string>(
  Object.entries(Word).map(([name, index]) => [index, name]),
);
const LANE_NAMES = new Map<number, string>(
  Object.entries(LaneWord).map(([name, word]) => [laneIndex(0, word), name]),
);
const PARTICIPANT_NAMES = Object.entries(ParticipantWord);

function nameOf(memory: number, index: number): string {
  if (memory === 1) {
    const found = Object.entries(ModelWord).find(([, word]) => word === index);
    return `host.${found?.[0] ?? index}`;
  }
  if (memory === 2) return `alive[${index}]`;
  const word = WORD_NAMES.get(index) ?? LANE_NAMES.get(index);
  if (word !== undefined) return word;
  for (let i = 0; i < 4; i++) {
    for (const [name, offset] of PARTICIPANT_NAMES) {
      if (participantIndex(i, offset) === index) return `${name}[${i}]`;
    }
  }
  if (index >= QUEUE_START) return `queue[${index - QUEUE_START}]`;
  return `words[${index}]`;
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
