/**
 * The Atomics of a thread under control: every operation on a registered memory is a scheduling
 * point. The thread says what it is about to do, somebody decides who goes next, and when it is this
 * thread's turn it does it. Whoever hands over decides, so that only a change of threads costs one.
 */

import {
  Board,
  Kind,
  locationOf,
  queueOf,
  Status,
  StepWord,
  stepIndex,
  ThreadWord,
  threadIndex,
  wordOf,
} from './board.ts';
import { decide } from './decide.ts';
import type { Condition } from './scenario.ts';

const real = globalThis.Atomics;
const FOREVER = -1;
const NEVER_NOTIFIED = 0;

/** Thrown through the code under test when its thread dies: nothing it does after that has effect. */
export class ThreadDeath extends Error {}

export interface ThreadContext {
  readonly words: Int32Array;
  readonly thread: number;
  readonly memories: readonly SharedArrayBuffer[];
  /** Asked when nothing but timeouts can run. */
  quiescent(): void;
  /** Told of each operation on a word, right before it is done. */
  touched(memory: number, index: number): void;
}

export class ControlledAtomics {
  readonly #context: ThreadContext;
  readonly #words: Int32Array;
  readonly #views: readonly Int32Array[];
  readonly #numbers = new WeakMap<SharedArrayBuffer, number>();
  readonly #own: number;
  /** Positions of this thread's operations, when they are asked for. */
  positions: [step: number, position: string][] = [];
  /** Whether operations are scheduling points now. */
  active = false;
  #dead = false;

  /** The last memory is that of the words that say who lives. */
  constructor(context: ThreadContext) {
    this.#context = context;
    this.#words = context.words;
    this.#views = context.memories.map(
      (memory) => new Int32Array(memory, 0, memory.byteLength >> 2),
    );
    for (const [number, memory] of context.memories.entries()) this.#numbers.set(memory, number);
    this.#own = threadIndex(context.thread, 0);
  }

  /** Puts itself in the place of the real Atomics of this thread. */
  install(): void {
    const update =
      (operation: 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange') =>
      (words: Int32Array, index: number, value: number): number => {
        this.#point(Kind.UPDATE, words, index, true);
        return real[operation](words, index, value);
      };
    const controlled = {
      load: (words: Int32Array, index: number): number => {
        this.#point(Kind.LOAD, words, index, false);
        return real.load(words, index);
      },
      store: (words: Int32Array, index: number, value: number): number => {
        this.#point(Kind.STORE, words, index, true);
        return real.store(words, index, value);
      },
      compareExchange: (words: Int32Array, index: number, from: number, to: number): number => {
        this.#point(Kind.UPDATE, words, index, true);
        return real.compareExchange(words, index, from, to);
      },
      add: update('add'),
      sub: update('sub'),
      and: update('and'),
      or: update('or'),
      xor: update('xor'),
      exchange: update('exchange'),
      isLockFree: (bytes: number): boolean => real.isLockFree(bytes),
      wait: (words: Int32Array, index: number, value: number, timeoutMs?: number) =>
        this.#wait(words, index, value, timeoutMs),
      notify: (words: Int32Array, index: number, count?: number) =>
        this.#notify(words, index, count),
    };
    (globalThis as { Atomics: unknown }).Atomics = controlled;
  }

  /** A new execution begins. */
  reset(): void {
    this.#dead = false;
    this.positions = [];
  }

  /** The body is over: somebody else goes on. */
  finish(): void {
    this.active = false;
    this.#words[this.#own + ThreadWord.STATUS] = Status.ENDED;
    this.#arrive();
  }

  blockUntil(conditions: readonly Condition[], timeoutMs: number): boolean {
    this.#checkAlive();
    const at = this.#own;
    this.#words[at + ThreadWord.KIND] = Kind.POLL;
    this.#words[at + ThreadWord.ACCESSES] = conditions.length;
    conditions.forEach(({ words, index, not }, i) => {
      this.#words[at + ThreadWord.ACCESS + 2 * i] = this.#locate(words, index)!;
      this.#words[at + ThreadWord.ACCESS + 2 * i + 1] = 0;
      this.#words[at + ThreadWord.NOT + i] = not;
    });
    this.#words[at + ThreadWord.TIMEOUT] = Number.isFinite(timeoutMs) ? timeoutMs : FOREVER;
    this.#turn(Status.POLLING);
    return this.#kindOfStep() !== Kind.TIMEOUT;
  }

  /** Does `work`, which reads and writes those words with the real Atomics, as one step. */
  atOnce(words: Int32Array, indexes: readonly number[], work: () => void): void {
    this.#checkAlive();
    this.#words[this.#own + ThreadWord.KIND] = Kind.UPDATE;
    for (const [i, index] of indexes.entries()) this.#access(i, this.#locate(words, index)!, 1);
    this.#turn(Status.READY);
    work();
  }

  #wait(words: Int32Array, index: number, value: number, timeoutMs = Number.POSITIVE_INFINITY) {
    const location = this.#locate(words, index);
    if (location === undefined) return real.wait(words, index, value, timeoutMs);
    const at = this.#own;
    this.#pend(Kind.WAIT, location, 0);
    this.#access(1, queueOf(location), 1);
    this.#turn(Status.READY);
    if (real.load(words, index) !== value) return 'not-equal';
    this.#pend(Kind.TIMEOUT, queueOf(location), 1);
    this.#words[at + ThreadWord.ORDER] = ++this.#words[Board.SLEEPERS]!;
    this.#words[at + ThreadWord.TIMEOUT] = Number.isFinite(timeoutMs) ? timeoutMs : FOREVER;
    this.#words[at + ThreadWord.WOKEN_BY] = NEVER_NOTIFIED;
    this.#turn(Status.ASLEEP);
    return this.#kindOfStep() === Kind.TIMEOUT ? 'timed-out' : 'ok';
  }

  #notify(words: Int32Array, index: number, count = Number.POSITIVE_INFINITY): number {
    const location = this.#locate(words, index);
    if (location === undefined) return real.notify(words, index, count);
    this.#pend(Kind.NOTIFY, queueOf(location), 1);
    this.#turn(Status.READY);
    const board = this.#words;
    const step = board[Board.STEPS]! - 1;
    let woken = 0;
    while (woken < count) {
      const sleeper = this.#firstSleeper(queueOf(location));
      if (sleeper < 0) break;
      board[threadIndex(sleeper, ThreadWord.WOKEN_BY)] = step + 1;
      if (board[threadIndex(sleeper, ThreadWord.TIMEOUT)]! >= 0) {
        board[stepIndex(step, StepWord.CAUSE)]! |= 1 << sleeper;
      }
      woken++;
    }
    return woken;
  }

  #firstSleeper(queue: number): number {
    const board = this.#words;
    let first = -1;
    for (let i = 0; i < board[Board.THREADS]!; i++) {
      const at = threadIndex(i, 0);
      if (board[at + ThreadWord.STATUS] !== Status.ASLEEP) continue;
      if (board[at + ThreadWord.WOKEN_BY] !== NEVER_NOTIFIED) continue;
      if (board[at + ThreadWord.ACCESS] !== queue) continue;
      const order = board[at + ThreadWord.ORDER]!;
      if (first < 0 || order < board[threadIndex(first, ThreadWord.ORDER)]!) first = i;
    }
    return first;
  }

  #point(kind: number, words: Int32Array, index: number, write: boolean): void {
    const location = this.#locate(words, index);
    if (location === undefined) return;
    this.#pend(kind, location, write ? 1 : 0);
    this.#turn(Status.READY);
    const touched = wordOf(location);
    this.#context.touched(touched.memory, touched.index);
  }

  /** The location of a word under control; undefined when it is none, or nothing is controlled now. */
  #locate(words: Int32Array, index: number): number | undefined {
    if (!this.active) return undefined;
    const memory = this.#numbers.get(words.buffer as SharedArrayBuffer);
    if (memory === undefined) return undefined;
    this.#checkAlive();
    return locationOf(memory, (words.byteOffset >> 2) + index);
  }

  #checkAlive(): void {
    if (this.#dead) throw new ThreadDeath();
  }

  #pend(kind: number, location: number, write: number): void {
    this.#words[this.#own + ThreadWord.KIND] = kind;
    this.#words[this.#own + ThreadWord.ACCESSES] = 1;
    this.#access(0, location, write);
  }

  #access(which: number, location: number, write: number): void {
    const at = this.#own + ThreadWord.ACCESS + 2 * which;
    this.#words[this.#own + ThreadWord.ACCESSES] = which + 1;
    this.#words[at] = location;
    this.#words[at + 1] = write;
  }

  /** Returns when it is this thread's turn to do what it has announced. */
  #turn(status: number): void {
    const board = this.#words;
    const dies = this.#dies();
    if (dies) this.#pend(Kind.DIE, this.#aliveLocation(), 1);
    board[this.#own + ThreadWord.STATUS] = dies ? Status.READY : status;
    this.#arrive();
    board[this.#own + ThreadWord.STATUS] = Status.READY;
    if (board[Board.STACKS] !== 0) this.#notePosition();
    if (!dies) return;
    this.#dead = true;
    board[Board.DIED] = 1;
    real.store(this.#views.at(-1)!, this.#context.thread, 0);
    throw new ThreadDeath();
  }

  #dies(): boolean {
    const board = this.#words;
    if (board[Board.DIES] !== this.#context.thread) return false;
    const operation = board[this.#own + ThreadWord.OPERATIONS]!;
    board[this.#own + ThreadWord.OPERATIONS] = operation + 1;
    return operation === board[Board.DIES_AT];
  }

  #aliveLocation(): number {
    return locationOf(this.#views.length - 1, this.#context.thread);
  }

  /** Lets the next thread run, and waits for this one's turn unless it has ended or is the next. */
  #arrive(): void {
    const board = this.#words;
    const { thread } = this.#context;
    const ended = board[this.#own + ThreadWord.STATUS] === Status.ENDED;
    if (real.load(board, Board.ARRIVED) < board[Board.THREADS]!) {
      // Still private code: the last to come here starts the schedule.
      if (real.add(board, Board.ARRIVED, 1) + 1 < board[Board.THREADS]!) {
        if (!ended) this.#awaitGo();
        return;
      }
    }
    const next = decide({
      words: board,
      quiescent: () => this.#context.quiescent(),
      holds: (other) => this.#holds(other),
    });
    if (next === thread) return;
    if (next < 0) {
      real.store(board, Board.DONE, 1);
      real.notify(board, Board.DONE);
    } else {
      const go = threadIndex(next, ThreadWord.GO);
      real.store(board, go, 1);
      real.notify(board, go);
    }
    if (!ended) this.#awaitGo();
  }

  #awaitGo(): void {
    const go = this.#own + ThreadWord.GO;
    while (real.load(this.#words, go) === 0) real.wait(this.#words, go, 0);
    real.store(this.#words, go, 0);
    // Woken for the end of an execution that cannot go on: this thread is to unwind.
    if (this.#words[Board.DONE] !== 0) {
      this.#dead = true;
      throw new ThreadDeath();
    }
  }

  #holds(thread: number): boolean {
    const at = threadIndex(thread, 0);
    const board = this.#words;
    for (let i = 0; i < board[at + ThreadWord.ACCESSES]!; i++) {
      const { memory, index } = wordOf(board[at + ThreadWord.ACCESS + 2 * i]!);
      if (real.load(this.#views[memory]!, index) !== board[at + ThreadWord.NOT + i]) return true;
    }
    return false;
  }

  #kindOfStep(): number {
    return this.#words[stepIndex(this.#words[Board.STEPS]! - 1, StepWord.KIND)]!;
  }

  #notePosition(): void {
    const lines = (new Error().stack ?? '').split('\n').slice(1);
    const line = lines.find((text) => !text.includes('/verify/engine/')) ?? '';
    this.positions.push([this.#words[Board.STEPS]! - 1, line.trim().replace(/^at /, '')]);
  }
}
