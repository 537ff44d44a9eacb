/** How scenarios begin. */

import { queueBytesFor, SharedAdapter } from '#dist/adapter/shared-adapter.js';
import { attachParticipant, offerParticipant } from '#dist/sync/participants.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import { ENTRY_BYTES, PACKET_BYTES } from './model-link.ts';
import { LogWord, ModelWord, pendingWord, putIntoQueue } from './model-memory.ts';
import { QUEUE_START, queueStart } from './raw.ts';

/** Words of a queue's header and descriptors: what an execution may have touched. */
const QUEUE_WORDS = 8 + 4 * 1024;
/** Where a packet, and its number, are in an entry. */
const PACKET_OFFSET = 16;
const NUMBER_OFFSET = 20;

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
  /** The lane of each thread, where there are two. Default: all use one. */
  readonly lanes?: readonly number[];
  /** Packets in the second lane's queue, and in its hardware queue: of the second flow. */
  readonly queuedBeside?: number;
  readonly pendingBeside?: number;
}

/** Lanes that the adapter of a scenario has. */
export function lanesIn(begins: Beginning): number {
  return begins.lanes === undefined ? 1 : 2;
}

export function begin(
  memories: readonly SharedArrayBuffer[],
  threads: number,
  begins: Beginning,
): void {
  const [memory, model] = memories;
  const words = new Int32Array(memory!);
  words.fill(0, 0, QUEUE_START);
  for (let i = 0; i < lanesIn(begins); i++) {
    words.fill(0, queueStart(words, i), queueStart(words, i) + QUEUE_WORDS);
  }
  const log = new Int32Array(model!).fill(0);
  for (let i = 0; i < threads; i++) {
    const participant = offerParticipant(words, begins.lanes?.[i] ?? 0);
    attachParticipant(words, participant, { thread: 0, born: 0 });
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
  steer(shared);
  send(shared, log, begins);
  log[ModelWord.UNUSABLE] = begins.unusable ?? 0;
  log[ModelWord.REMAINDER] = begins.remainder ? 1 : 0;
}

/** As the steering leaves it: each of two lanes has its own queue, or one of them has both. */
function steer(shared: SharedAdapter): void {
  const [first, second] = shared.lanes;
  if (second === undefined) return;
  const isFirstOpen = shared.isLaneOpen(0) || !shared.isLaneOpen(1);
  const isSecondOpen = shared.isLaneOpen(1);
  first!.changeSources(isFirstOpen ? (isSecondOpen ? 0b01 : 0b11) : 0);
  second.changeSources(isSecondOpen ? (isFirstOpen ? 0b10 : 0b11) : 0);
}

function send(shared: SharedAdapter, log: Int32Array, begins: Beginning): void {
  const { queued = [], pending = 0, queuedBeside = 0, pendingBeside = 0 } = begins;
  for (const cancelId of queued) queue(shared, log, 0, cancelId);
  for (let i = 0; i < queuedBeside; i++) queue(shared, log, 1, 0);
  for (let i = 0; i < pending; i++) putIntoQueue(log, 0, 0, Atomics);
  for (let i = 0; i < pendingBeside; i++) putIntoQueue(log, 1, 1, Atomics);
  log[LogWord.TAKEN] = queued.length + queuedBeside;
  log[pendingWord(0)] = pending;
  log[pendingWord(1)] = pendingBeside;
  log[ModelWord.FLOW + 1] = 1;
}

/** Puts a packet, which the host sent, into a lane's queue. */
function queue(shared: SharedAdapter, log: Int32Array, lane: number, cancelId: number): void {
  const number = log[LogWord.SENT]!++;
  log[LogWord.FLOWS + number] = lane;
  const entry = new Uint8Array(ENTRY_BYTES);
  writeEntryHeader(entry, 0, PACKET_BYTES);
  entry[PACKET_OFFSET] = 0x45;
  entry[NUMBER_OFFSET] = number;
  writeEntryTail(entry, 0, PACKET_BYTES);
  shared.lanes[lane]!.queue.push(entry, 0, PACKET_BYTES, cancelId);
}
