/** A thread of a scenario: runs its body once for each execution, under control. */

import { parentPort, workerData } from 'node:worker_threads';
import { ControlledAtomics, ThreadDeath } from './atomics.ts';
import { Board, wordsOf } from './board.ts';
import { CRASH, environmentOf, Reporter } from './environment.ts';
import type { Scenario } from './scenario.ts';

export interface ThreadData {
  readonly board: SharedArrayBuffer;
  readonly url: string;
  readonly thread: number;
  readonly rules: readonly string[];
  /** Those of the scenario, then that of the words that say who lives. */
  readonly memories: readonly SharedArrayBuffer[];
}

const real = globalThis.Atomics;
const { board, url, thread, rules, memories } = workerData as ThreadData;
const words = wordsOf(board);
const own = memories.slice(0, -1);
const alive = new Int32Array(memories.at(-1)!);
const reporter = new Reporter(board, rules);

const controlled = new ControlledAtomics({
  words,
  thread,
  memories,
  quiescent: () => {
    const { active } = controlled;
    controlled.active = false;
    scenario.quiescent?.(own, env);
    controlled.active = active;
  },
  touched: (memory, index) => scenario.touched?.(own, memory, index, env),
});
controlled.install();
performance.now = () => words[Board.TIME]!;

// After the real Atomics were replaced: what the scenario loads is under control.
const { scenario } = (await import(url)) as { scenario: Scenario };
const env = environmentOf(reporter, alive, real, {
  blockUntil: (conditions, timeoutMs) => controlled.blockUntil(conditions, timeoutMs),
  atOnce: (words, indexes, work) => controlled.atOnce(words, indexes, work),
});

function execute(): void {
  controlled.reset();
  try {
    const body = scenario.thread(own, thread, env);
    controlled.active = true;
    body();
  } catch (error) {
    if (!(error instanceof ThreadDeath)) {
      reporter.violated(
        CRASH,
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
    }
  }
  if (words[Board.DONE] === 0) controlled.finish();
  controlled.active = false;
  if (words[Board.STACKS] !== 0) parentPort!.postMessage(controlled.positions);
}

parentPort!.postMessage('ready');
for (let execution = 0; ; ) {
  real.wait(words, Board.EXECUTION, execution);
  const next = real.load(words, Board.EXECUTION);
  if (next < 0) break;
  if (next === execution) continue;
  execution = next;
  execute();
  real.add(words, Board.LEFT, 1);
  real.notify(words, Board.LEFT);
}
