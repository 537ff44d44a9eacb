/** The adapter's words looked at with the real Atomics: what the rules compare with. */

import { AdapterState } from '#dist/adapter/state.js';
import { stateOf } from '#dist/adapter/state-word.js';
import { ParticipantWord, participantIndex, QUEUE_START_BYTES, Word } from '#dist/sync/layout.js';

const D0 = 1;
const QUEUE_START: number = QUEUE_START_BYTES / 4;

/** Packets in the queue. */
export function queueCount(words: Int32Array, real: typeof Atomics): number {
  return (real.load(words, QUEUE_START + 1) - real.load(words, QUEUE_START)) | 0;
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
