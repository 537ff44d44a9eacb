/** What scenario code says about the schedule it is in, written on the board. */

import { Board, textOf, wordsOf } from './board.ts';
import type { Environment } from './scenario.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The rule that stands for an exception out of the code under test. */
export const CRASH = 'crash';

export class Reporter {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  readonly #rules: readonly string[];

  /** `rules` in an order that all threads share; at most 30. */
  constructor(board: SharedArrayBuffer, rules: readonly string[]) {
    this.#words = wordsOf(board);
    this.#text = textOf(board);
    this.#rules = [...rules, CRASH];
  }

  premise(rule: string): void {
    this.#words[Board.PREMISES]! |= 1 << this.#number(rule);
  }

  violated(rule: string, message: string): void {
    if (this.#words[Board.VIOLATION] !== 0) return;
    this.#words[Board.VIOLATION] = this.#number(rule) + 1;
    const bytes = encoder.encode(message).subarray(0, this.#text.length);
    this.#text.set(bytes);
    this.#words[Board.MESSAGE_LENGTH] = bytes.length;
  }

  /** The violation of this execution. */
  get violation(): { rule: string; message: string } | undefined {
    const number = this.#words[Board.VIOLATION]!;
    if (number === 0) return undefined;
    const bytes = this.#text.slice(0, this.#words[Board.MESSAGE_LENGTH]);
    return { rule: this.#rules[number - 1]!, message: decoder.decode(bytes) };
  }

  /** The rules whose premise arose in this execution. */
  get premises(): string[] {
    const set = this.#words[Board.PREMISES]!;
    return this.#rules.filter((_, i) => (set & (1 << i)) !== 0);
  }

  #number(rule: string): number {
    const number = this.#rules.indexOf(rule);
    if (number < 0) throw new Error(`there is no rule ${rule}`);
    return number;
  }
}

/** Puts the environment of scenario code together. */
export function environmentOf(
  reporter: Reporter,
  alive: Int32Array,
  real: typeof Atomics,
  points: Pick<Environment, 'blockUntil' | 'atOnce'>,
): Environment {
  return {
    real,
    alive,
    ...points,
    premise: (rule) => reporter.premise(rule),
    violated: (rule, message) => reporter.violated(rule, message),
  };
}
