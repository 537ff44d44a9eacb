/**
 * The only place of this package that puts a thread to sleep on shared memory. A waiter re-checks
 * what it waits for after every return, and no wait lasts longer than `MAX_BLOCK_MS`, so that exit
 * and `terminate()` never hang and a wake-up that is missed costs that long at most.
 */

import { MAX_BLOCK_MS } from '../limits.ts';

/**
 * Parks the calling thread until `words[index]` differs from `expected` and somebody notified, or
 * `timeoutMs` (at most `MAX_BLOCK_MS`) has passed. Returns at once when it differs already. May
 * return early.
 */
export function park(words: Int32Array, index: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, index, expected, Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
}
