/** Explores the schedules of a scenario: depth first, up to its bound of preemptions, then at random. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  Board,
  createBoard,
  MAX_THREADS,
  Outcome,
  prefixIndex,
  Status,
  StepWord,
  stepIndex,
  ThreadWord,
  threadIndex,
  wordOf,
  wordsOf,
} from './board.ts';
import { CRASH, environmentOf, Reporter } from './environment.ts';
import { findRaces } from './races.ts';
import type { Environment, Scenario } from './scenario.ts';
import type { ThreadData } from './thread.ts';

/** A schedule as text: thread numbers, run-length coded, such as `0x12.1x3`; `@7` when the dying thread dies there. */
export type Schedule = string;

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly schedule: Schedule;
}

export interface Exploration {
  readonly name: string;
  readonly bound: number;
  readonly schedules: number;
  /** Different contents of the words that threads touched, at the ends of executions. */
  readonly states: number;
  /** Whether every schedule within the bound was covered. */
  readonly exhausted: boolean;
  /** For each rule the schedules in which its premise arose. */
  readonly tested: Readonly<Record<string, number>>;
  readonly violation?: Violation | undefined;
  readonly seconds: number;
  readonly seed: number;
}

export interface ExploreOptions {
  readonly rules: readonly string[];
  /** Preemptions; default: the scenario's own. */
  readonly bound?: number;
  /** Ends after this time, not exhausted. */
  readonly seconds?: number;
  readonly seed?: number;
  onProgress?(schedules: number): void;
}

/** One point of the present path. */
interface Node {
  /** Threads that may run here, as a set. */
  readonly enabled: number;
  /** Thread of the step before, if it could go on here; else -1. */
  readonly current: number;
  /** Preemptions before this step. */
  readonly preemptions: number;
  chosen: number;
  todo: number;
  done: number;
}

const PROGRESS_SCHEDULES = 500;
const ALIVE_BYTES = MAX_THREADS * 4;
const MS_PER_SECOND = 1000;

export class Explorer {
  readonly #scenario: Scenario;
  readonly #board = createBoard();
  readonly #words = wordsOf(this.#board);
  readonly #memories: readonly SharedArrayBuffer[];
  readonly #views: readonly Int32Array[];
  readonly #alive: Int32Array;
  readonly #reporter: Reporter;
  readonly #env: Environment;
  readonly #options: ExploreOptions;
  readonly #tested: Record<string, number> = {};
  readonly #states = new Set<number>();
  readonly #touched = new Set<number>();
  #threads: Worker[] = [];
  #execution = 0;
  #schedules = 0;
  #died = false;
  #violation: Violation | undefined;
  #started = 0;

  constructor(scenario: Scenario, options: ExploreOptions) {
    this.#scenario = scenario;
    this.#options = options;
    const alive = new SharedArrayBuffer(ALIVE_BYTES);
    this.#memories = [...scenario.memories(), alive];
    this.#views = this.#memories.map((memory) => new Int32Array(memory, 0, memory.byteLength >> 2));
    this.#alive = new Int32Array(alive);
    this.#reporter = new Reporter(this.#board, options.rules);
    const noThread = (): never => {
      throw new Error('only a thread can wait, or make a step');
    };
    this.#env = environmentOf(this.#reporter, this.#alive, Atomics, {
      blockUntil: noThread,
      atOnce: noThread,
    });
    this.#words[Board.THREADS] = scenario.threads;
  }

  /** Starts the threads. `url` is the module of the scenario. */
  async start(url: string): Promise<void> {
    for (let thread = 0; thread < this.#scenario.threads; thread++) {
      const workerData: ThreadData = {
        board: this.#board,
        url,
        thread,
        rules: this.#options.rules,
        memories: this.#memories,
      };
      const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
      worker.setMaxListeners(0);
      this.#threads.push(worker);
      await once(worker, 'message');
    }
  }

  async stop(): Promise<void> {
    Atomics.store(this.#words, Board.EXECUTION, -1);
    Atomics.notify(this.#words, Board.EXECUTION);
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
    this.#threads = [];
  }

  /** Explores up to the bound, from no preemptions on, so that the first violation has fewest. */
  async explore(): Promise<Exploration> {
    this.#started = performance.now();
    const bound = this.#options.bound ?? this.#scenario.bound;
    const seed = this.#options.seed ?? 1;
    let exhausted = true;
    for (let b = 0; b <= bound && exhausted && this.#violation === undefined; b++) {
      // Counts are those of the last bound: it covers the smaller ones.
      this.#schedules = 0;
      for (const rule of Object.keys(this.#tested)) delete this.#tested[rule];
      exhausted = await this.#exploreBound(b);
    }
    if (this.#violation === undefined) await this.#walk(seed);
    return {
      name: this.#scenario.name,
      bound,
      schedules: this.#schedules,
      states: this.#states.size,
      exhausted: exhausted && this.#violation === undefined,
      tested: { ...this.#tested },
      violation: this.#violation,
      seconds: (performance.now() - this.#started) / MS_PER_SECOND,
      seed,
    };
  }

  /** Runs one schedule and returns where each step came from; the outcome is on the board. */
  async replay(schedule: Schedule): Promise<Map<number, string>> {
    const { choices, dies } = parseSchedule(schedule);
    this.#words[Board.STACKS] = 1;
    const positions = new Map<number, string>();
    const told = Promise.all(
      this.#threads.map(async (thread) => {
        const [found] = (await once(thread, 'message')) as [[number, string][]];
        for (const [step, position] of found) positions.set(step, position);
      }),
    );
    this.#execute(choices, dies, 0);
    await told;
    this.#words[Board.STACKS] = 0;
    return positions;
  }

  /** The board of the last execution, for printing. */
  get words(): Int32Array {
    return this.#words;
  }

  /** What the last execution violated. */
  get lastViolation(): { rule: string; message: string } | undefined {
    return this.#reporter.violation;
  }

  async #exploreBound(bound: number): Promise<boolean> {
    const { dies } = this.#scenario;
    for (let at = 0; ; at++) {
      this.#died = false;
      if (!(await this.#exploreDepthFirst(bound, dies === undefined ? -1 : at))) return false;
      // No schedule came to that operation: the thread was done before.
      if (dies === undefined || !this.#died) return true;
    }
  }

  async #exploreDepthFirst(bound: number, dies: number): Promise<boolean> {
    const path: Node[] = [];
    for (;;) {
      this.#execute(
        path.map(({ chosen }) => chosen),
        dies,
        0,
      );
      this.#count();
      if (this.#violation !== undefined || this.#outOfTime()) return false;
      this.#extend(path, bound);
      if (!backtrack(path, bound)) return true;
      if (this.#schedules % PROGRESS_SCHEDULES === 0) {
        this.#options.onProgress?.(this.#schedules);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  async #walk(seed: number): Promise<void> {
    for (let i = 0; i < (this.#scenario.walks ?? 0); i++) {
      if (this.#violation !== undefined || this.#outOfTime()) return;
      this.#execute([], -1, (seed * 7919 + i * 104_729) | 1);
      this.#count();
      if (i % PROGRESS_SCHEDULES === 0) {
        this.#options.onProgress?.(this.#schedules);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  #outOfTime(): boolean {
    const { seconds } = this.#options;
    return seconds !== undefined && performance.now() - this.#started > seconds * MS_PER_SECOND;
  }

  /** Adds the steps beyond the path, and to all of it what its races ask for. */
  #extend(path: Node[], bound: number): void {
    const words = this.#words;
    const steps = words[Board.STEPS]!;
    for (let step = path.length; step < steps; step++) {
      const at = stepIndex(step, 0);
      const chosen = words[at + StepWord.THREAD]!;
      const before = path[step - 1];
      const enabled = words[at + StepWord.ENABLED]!;
      const last = before === undefined ? -1 : before.chosen;
      const current = last >= 0 && (enabled & (1 << last)) !== 0 ? last : -1;
      const preemptions = before === undefined ? 0 : before.preemptions + costOf(before);
      path.push({ enabled, current, preemptions, chosen, todo: 1 << chosen, done: 1 << chosen });
    }
    findRaces(words, steps, this.#scenario.threads, (step, thread) => {
      ask(path[step]!, thread);
      if (bound < 0) return;
      let start = step;
      while (start > 0 && path[start - 1]!.chosen === path[start]!.chosen) start--;
      ask(path[start]!, thread);
    });
  }

  #execute(choices: readonly number[], dies: number, random: number): void {
    const words = this.#words;
    const scenario = this.#scenario;
    words[Board.ARRIVED] = 0;
    words[Board.DONE] = 0;
    words[Board.LEFT] = 0;
    words[Board.STEPS] = 0;
    words[Board.CURRENT] = -1;
    words[Board.TIME] = 0;
    words[Board.EARLY_TIMEOUTS] = scenario.earlyTimeouts ?? 0;
    words[Board.DIES] = dies >= 0 ? (scenario.dies ?? -1) : -1;
    words[Board.DIES_AT] = dies;
    words[Board.DIED] = 0;
    words[Board.OUTCOME] = Outcome.RUNNING;
    words[Board.PREMISES] = 0;
    words[Board.VIOLATION] = 0;
    words[Board.RANDOM] = random;
    words[Board.LAST_TIMEOUT] = scenario.threads - 1;
    words[Board.SLEEPERS] = 0;
    words[Board.PREFIX_LENGTH] = choices.length;
    for (let i = 0; i < choices.length; i++) words[prefixIndex(i)] = choices[i]!;
    for (let i = 0; i < scenario.threads; i++) {
      words[threadIndex(i, ThreadWord.STATUS)] = Status.IDLE;
      words[threadIndex(i, ThreadWord.GO)] = 0;
      words[threadIndex(i, ThreadWord.OPERATIONS)] = 0;
    }
    this.#alive.fill(1);
    scenario.setup(this.#memories.slice(0, -1));
    this.#execution++;
    Atomics.store(words, Board.EXECUTION, this.#execution);
    Atomics.notify(words, Board.EXECUTION);
    while (Atomics.load(words, Board.DONE) === 0) Atomics.wait(words, Board.DONE, 0);
    this.#unwind();
    this.#judge();
    if (words[Board.DIED] !== 0) this.#died = true;
    this.#schedules++;
  }

  /** Threads that an execution without end left behind come out, and all leave. */
  #unwind(): void {
    const words = this.#words;
    for (let i = 0; i < this.#scenario.threads; i++) {
      if (words[threadIndex(i, ThreadWord.STATUS)] === Status.ENDED) continue;
      Atomics.store(words, threadIndex(i, ThreadWord.GO), 1);
      Atomics.notify(words, threadIndex(i, ThreadWord.GO));
    }
    for (;;) {
      const left = Atomics.load(words, Board.LEFT);
      if (left === this.#scenario.threads) return;
      Atomics.wait(words, Board.LEFT, left);
    }
  }

  #judge(): void {
    const words = this.#words;
    const outcome = words[Board.OUTCOME]!;
    const stuck = (): string =>
      this.#scenario.stuck?.(this.#memories.slice(0, -1), this.#env) ?? CRASH;
    if (outcome === Outcome.DEADLOCK) {
      this.#reporter.violated(stuck(), 'deadlock: every thread waits for ever');
    } else if (outcome === Outcome.ENDLESS) {
      this.#reporter.violated(stuck(), `does not end within ${words[Board.STEPS]} steps`);
    } else {
      this.#scenario.check(this.#memories.slice(0, -1), this.#env);
    }
  }

  #count(): void {
    const words = this.#words;
    for (const rule of this.#reporter.premises) this.#tested[rule] = (this.#tested[rule] ?? 0) + 1;
    const steps = words[Board.STEPS]!;
    for (let step = 0; step < steps; step++) {
      const at = stepIndex(step, 0);
      for (let i = 0; i < words[at + StepWord.ACCESSES]!; i++) {
        this.#touched.add(words[at + StepWord.ACCESS + 2 * i]!);
      }
    }
    this.#states.add(this.#hash());
    const found = this.#reporter.violation;
    if (found === undefined) return;
    const choices: number[] = [];
    for (let step = 0; step < steps; step++) {
      choices.push(words[stepIndex(step, StepWord.THREAD)]!);
    }
    const dies = words[Board.DIES]! >= 0 ? words[Board.DIES_AT]! : -1;
    this.#violation = { ...found, schedule: formatSchedule(choices, dies) };
  }

  /** FNV-1a over the words that any execution touched so far. */
  #hash(): number {
    let hash = 0x811c9dc5;
    for (const location of this.#touched) {
      const { memory, index, queue } = wordOf(location);
      if (queue) continue;
      hash = Math.imul(hash ^ this.#views[memory]![index]!, 0x01000193);
    }
    return hash;
  }
}

/** Asks that `thread` goes at this point; if it cannot, whoever else can. */
function ask(node: Node, thread: number): void {
  node.todo |= (node.enabled & (1 << thread)) === 0 ? node.enabled : 1 << thread;
}

/** What the choice at a node costs: leaving a thread that could have gone on is a preemption. */
function costOf(node: Node): number {
  return node.current >= 0 && node.current !== node.chosen ? 1 : 0;
}

/** Turns the path to the next choice that is open; false when there is none. */
function backtrack(path: Node[], bound: number): boolean {
  for (let node = path.pop(); node !== undefined; node = path.pop()) {
    for (let open = node.todo & ~node.done; open !== 0; open &= open - 1) {
      const thread = 31 - Math.clz32(open & -open);
      node.done |= 1 << thread;
      const cost = node.current >= 0 && node.current !== thread ? 1 : 0;
      if (node.preemptions + cost > bound) continue;
      node.chosen = thread;
      path.push(node);
      return true;
    }
  }
  return false;
}

export function formatSchedule(choices: readonly number[], dies: number): Schedule {
  const runs: string[] = [];
  for (let i = 0; i < choices.length; ) {
    let end = i;
    while (end < choices.length && choices[end] === choices[i]) end++;
    runs.push(`${choices[i]}x${end - i}`);
    i = end;
  }
  return `${runs.join('.')}${dies >= 0 ? `@${dies}` : ''}`;
}

export function parseSchedule(text: Schedule): { choices: number[]; dies: number } {
  const [runs = '', dies] = text.split('@');
  const choices: number[] = [];
  for (const run of runs.split('.')) {
    const [thread, count] = run.split('x').map(Number);
    if (!Number.isInteger(thread) || !Number.isInteger(count)) {
      throw new TypeError(`"${text}" is no schedule; it looks like 0x12.1x3`);
    }
    for (let i = 0; i < count!; i++) choices.push(thread!);
  }
  return { choices, dies: dies === undefined ? -1 : Number(dies) };
}
