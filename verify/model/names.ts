/** Names of words, for printing. */

import { LaneWord, laneIndex, ParticipantWord, participantIndex, Word } from '#dist/sync/layout.js';
import { ModelWord } from './model-memory.ts';
import { QUEUE_START } from './raw.ts';

const PARTICIPANTS = 4;
const LANES = 2;

const WORD_NAMES = new Map<number, string>(
  Object.entries(Word).map(([name, index]) => [index, name]),
);
const PARTICIPANT_NAMES = Object.entries(ParticipantWord);

export function nameOf(memory: number, index: number): string {
  if (memory === 1) {
    const found = Object.entries(ModelWord).find(([, word]) => word === index);
    return `host.${found?.[0] ?? index}`;
  }
  if (memory === 2) return `alive[${index}]`;
  const word = WORD_NAMES.get(index);
  if (word !== undefined) return word;
  for (let lane = 0; lane < LANES; lane++) {
    for (const [name, offset] of Object.entries(LaneWord)) {
      // The first lane is nearly always the only one.
      if (laneIndex(lane, offset) === index) return lane === 0 ? name : `${name}[${lane}]`;
    }
  }
  for (let i = 0; i < PARTICIPANTS; i++) {
    for (const [name, offset] of PARTICIPANT_NAMES) {
      if (participantIndex(i, offset) === index) return `${name}[${i}]`;
    }
  }
  if (index >= QUEUE_START) return `queue[${index - QUEUE_START}]`;
  return `words[${index}]`;
}
