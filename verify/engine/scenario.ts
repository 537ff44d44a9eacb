/** What a scenario is: a module that exports one as `scenario`. */

/** What scenario code may ask and say. In threads and in the controller. */
export interface Environment {
  /** The real Atomics, for looking without being a scheduling point. */
  readonly real: typeof Atomics;
  /** One word for each thread: 1 while it lives. Reading it with Atomics is a scheduling point. */
  readonly alive: Int32Array;
  /** In this schedule the premise of the rule arose: it was tested. */
  premise(rule: string): void;
  /** The rule is broken. The first one of an execution counts. */
  violated(rule: string, message: string): void;
  /**
   * Blocks the thread until one of the words differs from `not`, or the time has passed: a `poll` with
   * several descriptors. Returns whether one does. One scheduling point.
   */
  blockUntil(conditions: readonly Condition[], timeoutMs: number): boolean;
  /**
   * Does `work` as one step, at one scheduling point: it may read and write these words, at most three, with
   * the real Atomics, and does nothing else.
   */
  atOnce(words: Int32Array, indexes: readonly number[], work: () => void): void;
}

export interface Condition {
  readonly words: Int32Array;
  readonly index: number;
  readonly not: number;
}

export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly threads: number;
  /** Preemptions: switches away from a thread that could have gone on. */
  readonly bound: number;
  /** Timeouts per execution that may come although something else could run. Default 0. */
  readonly earlyTimeouts?: number;
  /** The thread that dies, before each of its operations in turn. */
  readonly dies?: number;
  /** The rule that a deadlock, or an execution without end, breaks. Default `crash`. */
  stuck?(memories: readonly SharedArrayBuffer[], env: Environment): string;
  /** Random walks beyond the bound, from a printed seed. Default 0. */
  readonly walks?: number;
  /** Memories that are under control, in an order that all threads share. Made once. */
  memories(): SharedArrayBuffer[];
  /** Before each execution, in the controller: everything as it is to begin. */
  setup(memories: readonly SharedArrayBuffer[]): void;
  /** Before each execution, in thread `n`: makes what it needs, returns what it is to do. */
  thread(memories: readonly SharedArrayBuffer[], n: number, env: Environment): () => void;
  /** After each execution, in the controller. */
  check(memories: readonly SharedArrayBuffer[], env: Environment): void;
  /** When nothing can run but timeouts: in whatever thread. */
  quiescent?(memories: readonly SharedArrayBuffer[], env: Environment): void;
  /** A word is about to be read or written: in the thread that does. */
  touched?(
    memories: readonly SharedArrayBuffer[],
    memory: number,
    index: number,
    env: Environment,
  ): void;
  /** The name of a word, for printing. */
  wordName?(memory: number, index: number): string;
}
