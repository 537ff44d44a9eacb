/**
 * The adapter's state as one word of shared memory: the state's number, and a generation that grows
 * with every transition. The generation makes a compare-exchange refuse a state that was left and
 * entered again since it was read.
 */

import { ADAPTER_STATES, type AdapterState } from './state.ts';

const STATE_BITS = 4;
const STATE_MASK: number = (1 << STATE_BITS) - 1;

/** The state in a word. */
export function stateOf(word: number): AdapterState {
  return ADAPTER_STATES[word & STATE_MASK]!;
}

/** The word of the next generation, in state `to`. */
export function nextStateWord(word: number, to: AdapterState): number {
  return (((word >>> STATE_BITS) + 1) << STATE_BITS) | ADAPTER_STATES.indexOf(to);
}
