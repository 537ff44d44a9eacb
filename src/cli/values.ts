/** How values of options are read. Each refusal says what would do. */

import { InvalidArgumentError } from 'commander';

const MAX_SECONDS = 86_400;
const DIGITS = /^\d+$/;
const DECIMAL = /^\d+(?:\.\d+)?$/;

/** Seconds, fractions allowed, up to a day. */
export function secondsOption(text: string): number {
  const seconds = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError(`give a number of seconds above 0, up to ${MAX_SECONDS}.`);
}

export function integerOption(text: string): number {
  if (DIGITS.test(text)) return Number(text);
  throw new InvalidArgumentError('give a whole number.');
}

/** How many: at least one. */
export function countOption(text: string): number {
  const count = DIGITS.test(text) ? Number(text) : 0;
  if (count > 0 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('give a whole number above 0.');
}

/** An option that may be given several times. */
export function collect(text: string, before: readonly string[] | false | undefined): string[] {
  return [...(before || []), text];
}
