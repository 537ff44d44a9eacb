/** The adapter's words looked at with the real Atomics: what the rules compare with. */

import { lanesOf } from '#dist/adapter/shared-adapter.js';
import { AdapterState } from '#dist/adapter/state.js';
import { stateOf } from '#dist/adapter/state-word.js';
import { ParticipantWord, participantIndex, QUEUE_START_BYTES, Word } from '#dist/sync/layout.js';

const D0 = 1;
/** Index of the first word of the first queue. */
export const QUEUE_START: number = QUEUE_START_BYTES / 4;

/** Index of the first word of a lane's queue. */
export function queueStart(words: Int32Array, lane: number): number {
  return QUEUE_START + (lane * (words.length - QUEUE_START)) / laneCount(words);
}

export function laneCount(words: Int32Array): number {
  return lanesOf(words.buffer as SharedArrayBuffer);
}

/** Packets in a lane's queue. */
export function laneQueueCount(words: Int32Array, lane: number, real: typeof Atomics): number {
  const start = queueStart(words, lane);
  return (real.load(words, start + 1) - real.load(words, start)) | 0;
}

/** Packets in all queues. */
export function queueCount(words: Int32Array, real: typeof Atomics): number {
  let count = 0;
  for (let i = 0; i < laneCount(words); i++) count += laneQueueCount(words, i, real);
  return count;
}

/** Whether packets may pass. */
export function accepting(words: Int32Array, real: typeof Atomics): boolean {
  return (
    real.load(words, Word.MEDIA) === 1 &&
    real.load(words, Word.POWER) === D0 &&
    stateOf(real.load(words, Word.STATE)) === AdapterState.RUNNING
  );
}

/** Why transactions are active; undefined when none is. */
export function rawIdle(words: Int32Array, real: typeof Atomics): string | undefined {
  if (queueCount(words, real) !== 0) return 'packets are queued';
  for (let i = 0; i < real.load(words, Word.PARTICIPANTS); i++) {
    if (real.load(words, participantIndex(i, ParticipantWord.HAND)) !== 0) {
      return `participant ${i} has packets in its hand`;
    }
    if (real.load(words, participantIndex(i, ParticipantWord.DELIVERING)) !== 0) {
      return `participant ${i} delivers a bundle`;
    }
  }
  return undefined;
}
